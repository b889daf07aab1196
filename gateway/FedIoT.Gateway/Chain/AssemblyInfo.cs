using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("FedIoT.Gateway.Tests")] // frames and handshake are tested from outside a node
