using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Nodes that are told the address of the first one only; the first one is told nothing.</summary>
internal sealed class ExchangeCluster : IAsyncDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Path.GetRandomFileName());
    private readonly TestSigner[] signers;

    // The first is the one with the largest account: all others dial it, and it dials nobody.
    public ExchangeCluster(int count) => signers =
        [.. Enumerable.Range(0, count).Select(i => new TestSigner(i)).OrderByDescending(s => s.PublicKey.Account)];

    public List<ChainNode> Nodes { get; } = [];

    public Task StartAsync(CancellationToken cancellationToken) => StartAsync(
        node => node.ConnectPeers(new Dictionary<AccountId, IPEndPoint>
        {
            [Nodes[0].Account] = Nodes[0].ListenEndPoint,
        }),
        cancellationToken);

    public async Task StartAsync(Action<ChainNode> tell, CancellationToken cancellationToken)
    {
        foreach (TestSigner signer in signers)
        {
            ChainNode node = await ChainNode.StartAsync(
                new ChainNodeOptions
                {
                    ChainId = ChainCluster.ChainId,
                    StateDirectory = Path.Combine(folder, $"node-{Nodes.Count}"),
                    Listen = new IPEndPoint(IPAddress.Loopback, 0),
                    Validators = [.. signers.Select(s => new Validator(s.PublicKey, 1))],
                    ReconnectInterval = TimeSpan.FromMilliseconds(50),
                },
                new CounterApplication(signers), signer, TimeProvider.System, NullLogger.Instance, cancellationToken);
            Nodes.Add(node);
            tell(node);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ChainNode node in Nodes)
        {
            await node.DisposeAsync();
        }

        foreach (TestSigner signer in signers)
        {
            signer.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }
}
