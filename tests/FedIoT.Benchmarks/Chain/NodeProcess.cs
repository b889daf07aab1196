using System.Globalization;
using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Benchmarks.Chain;

/// <summary>
/// One of four nodes as a process of its own, with its load inside: arguments are index, folder, first port,
/// transaction bytes, transactions kept outstanding, or 0 and all nodes together send one every so many milliseconds,
/// seconds, milliseconds of a signature.
/// </summary>
internal static class NodeProcess
{
    public const int Count = 4;

    /// <summary>Runs, and prints one line: transactions, bytes, p50, p99 in ms, resident and highest MiB.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        int[] numbers = [.. arguments.Where((_, i) => i != 1)
            .Select(a => int.Parse(a, CultureInfo.InvariantCulture))];
        (int index, int port, int bytes, int outstanding) = (numbers[0], numbers[1], numbers[2], numbers[3]);
        (int everyMs, int seconds, int signMs) = (numbers[4], numbers[5], numbers[6]);
        ISigner[] signers = [.. Enumerable.Range(0, Count).Select(i => new SlowSigner(new TestSigner(i), signMs))];
        using var room = new SemaphoreSlim(Math.Max(outstanding, 1));
        long transactions = 0;
        long payload = 0;
        await using ChainNode node = await ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = "benchmark",
                StateDirectory = Path.Combine(arguments[1], $"node-{index}"),
                Listen = new IPEndPoint(IPAddress.Loopback, port + index),
                Validators = [.. signers.Select(s => new Validator(s.PublicKey, 1))],
                OnCommitted = block =>
                {
                    int own = block.Transactions.Count(t => t.Span[0] == index);
                    transactions += block.Transactions.Count;
                    payload += block.Transactions.Sum(t => (long)t.Length);
                    if (outstanding > 0 && own > 0)
                    {
                        room.Release(own);
                    }
                },
            },
            new HashingApplication(), signers[index], TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        node.ConnectPeers(signers.Select((s, i) => (s.PublicKey.Account, new IPEndPoint(IPAddress.Loopback, port + i)))
            .ToDictionary(p => p.Account, p => p.Item2));
        while (node.ConnectedPeers < Count - 1)
        {
            await Task.Delay(20);
        }

        await Task.Delay(3_000); // all are up and compiled
        Task load = LoadAsync(
            node, index, bytes, outstanding > 0 ? room : null, everyMs, TimeSpan.FromSeconds(seconds));
        await await Task.WhenAny(load, node.Completion); // the second only when the node fails
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{transactions} {payload} {node.Finality.Percentile(0.5)} {node.Finality.Percentile(0.95)} "
            + $"{node.Finality.Percentile(0.99)} {self.WorkingSet64 >> 20} {self.PeakWorkingSet64 >> 20}"));
        await Task.Delay(1_000); // the others measure to their end
        return 0;
    }

    private static async Task LoadAsync(
        ChainNode node, int index, int bytes, SemaphoreSlim? room, int everyMs, TimeSpan length)
    {
        using var stop = new CancellationTokenSource(length);
        try
        {
            for (long number = 0; ; number++)
            {
                if (room is null)
                {
                    // each node in its turn
                    await Task.Delay(everyMs * (number > 0 ? Count : index + 1), stop.Token);
                }
                else
                {
                    await room.WaitAsync(stop.Token);
                }

                var transaction = new byte[bytes];
                transaction[0] = (byte)index;
                BitConverter.TryWriteBytes(transaction.AsSpan(1), number);
                if (await node.SubmitAsync(transaction) is { } refusal)
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
}
