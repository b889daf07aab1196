using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Benchmarks.Chain;

/// <summary>Four nodes in this process, each with its own sockets and folder.</summary>
internal sealed class BenchmarkCluster : IAsyncDisposable
{
    private const int Count = 4;

    private readonly string folder;
    private readonly TestSigner[] signers = [.. Enumerable.Range(0, Count).Select(i => new TestSigner(i))];
    private readonly SemaphoreSlim[] rooms = [.. Enumerable.Range(0, Count).Select(_ => new SemaphoreSlim(0))];
    private long committedBytes;
    private long committedTransactions;

    public BenchmarkCluster(string folder) => this.folder = folder;

    public ChainNode[] Nodes { get; } = new ChainNode[Count];

    public long CommittedTransactions => Interlocked.Read(ref committedTransactions);

    public long CommittedBytes => Interlocked.Read(ref committedBytes);

    public async Task StartAsync(int outstanding)
    {
        for (int i = 0; i < Count; i++)
        {
            int node = i;
            rooms[i].Release(outstanding);
            Nodes[i] = await ChainNode.StartAsync(
                new ChainNodeOptions
                {
                    ChainId = "benchmark",
                    StateDirectory = Path.Combine(folder, $"node-{i}"),
                    Listen = new IPEndPoint(IPAddress.Loopback, 0),
                    Validators = [.. signers.Select(s => new Validator(s.PublicKey, 1))],
                    OnCommitted = block => OnCommitted(node, block),
                },
                new HashingApplication(), signers[i], TimeProvider.System, NullLogger.Instance,
                CancellationToken.None);
        }

        var endPoints = Nodes.ToDictionary(n => n.Account, n => n.ListenEndPoint);
        foreach (ChainNode node in Nodes)
        {
            node.ConnectPeers(endPoints);
        }

        while (Nodes.Any(n => n.ConnectedPeers < Count - 1))
        {
            await Task.Yield();
        }
    }

    /// <summary>Keeps so many transactions outstanding at a node until told to stop.</summary>
    public async Task LoadAsync(int node, int bytes, CancellationToken stop)
    {
        long number = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await rooms[node].WaitAsync(stop);
                var transaction = new byte[bytes];
                transaction[0] = (byte)node;
                BitConverter.TryWriteBytes(transaction.AsSpan(1), number++);
                if (await Nodes[node].SubmitAsync(transaction) is { } refusal)
                {
                    throw new InvalidOperationException(refusal);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the measured time is over
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

    private void OnCommitted(int node, CommittedBlock block)
    {
        int own = block.Transactions.Count(t => t.Span[0] == node);
        if (own > 0)
        {
            rooms[node].Release(own);
        }

        if (node == 0)
        {
            Interlocked.Add(ref committedTransactions, block.Transactions.Count);
            Interlocked.Add(ref committedBytes, block.Transactions.Sum(t => (long)t.Length));
        }
    }
}
