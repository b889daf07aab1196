using System.Net;
using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Signing;
using FedIoT.Simulation.Host;
using Microsoft.Extensions.Logging.Abstractions;

// Runs until it is killed; every committed block is a line on standard output, replayed ones too.
string folder = args[0];
using Ed25519Signer signer = Ed25519Signer.FromSeed(SHA256.HashData("host"u8));
ChainNodeOptions options = new()
{
    ChainId = "killed",
    StateDirectory = folder,
    Listen = new IPEndPoint(IPAddress.Loopback, 0),
    Validators = [new Validator(signer.PublicKey, 1)],
    Timeouts = new ConsensusTimeouts { MinimumBlockInterval = TimeSpan.FromMilliseconds(1) },
    OnCommitted = b => Console.Out.WriteLine($"{b.Height} {b.BlockHash} {b.StateRoot} {b.IsReplayed}"),
};
await using ChainNode node = await ChainNode.StartAsync(
    options, new EndlessApplication(), signer, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
await Console.Out.WriteLineAsync("started");
await node.Completion;
