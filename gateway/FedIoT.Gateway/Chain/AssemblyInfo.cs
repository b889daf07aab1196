using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("FedIoT.Gateway.Tests")] // frames and handshake are tested from outside a node
[assembly: InternalsVisibleTo("FedIoT.Benchmarks")] // measures the simulated network
[assembly: InternalsVisibleTo("FedIoT.Faults.Tests")] // asks the daemons over their admin sockets
[assembly: InternalsVisibleTo("FedIoT.Simulation.Tests")] // runs the core of nodes on a seeded scheduler
[assembly: InternalsVisibleTo("FedIoT.HardwareKeys.Tests")] // runs daemons whose keys are in tokens and chips
