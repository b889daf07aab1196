using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>
/// One key in two lives: a restored backup, a lost state directory, two processes. What was signed in one is not signed
/// again in the other.
/// </summary>
public sealed class OneKeyTests : IDisposable
{
    private const int BlocksBefore = 12; // in which each of four validators has proposed

    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(180));
    private readonly TemporaryFolder folder = new();

    private CancellationToken Soon => deadline.Token;

    public void Dispose()
    {
        deadline.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task RestoredBackup_CatchesUpWithoutSigningAnything()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await DecideAsync(cluster, 0, BlocksBefore);
        await cluster.StopNodeAsync(3);
        Copy(cluster.FolderOf(3), folder.File("backup"));
        await cluster.StartNodeAsync(3, Soon);
        await DecideAsync(cluster, BlocksBefore, BlocksBefore);
        await cluster.StopNodeAsync(3);
        Height before = LastSigned(cluster.FolderOf(3), cluster.Signers[3]);
        Directory.Delete(cluster.FolderOf(3), recursive: true);
        Copy(folder.File("backup"), cluster.FolderOf(3));
        Height backup = LastSigned(cluster.FolderOf(3), cluster.Signers[3]);
        Assert.True(backup < before);

        await cluster.StartNodeAsync(3, Soon);
        await DecideAsync(cluster, 2 * BlocksBefore, 4);
        Assert.Contains("does not vote for now", cluster.Nodes[3]!.VotingState, StringComparison.Ordinal);
        await cluster.StopNodeAsync(3);
        Assert.Equal(backup, LastSigned(cluster.FolderOf(3), cluster.Signers[3]));
    }

    [Fact]
    public async Task LostStateDirectory_CatchesUpWithoutSigningAnything()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await DecideAsync(cluster, 0, BlocksBefore);
        await cluster.StopNodeAsync(3);
        Directory.Delete(cluster.FolderOf(3), recursive: true);
        await cluster.StartNodeAsync(3, Soon);
        await DecideAsync(cluster, BlocksBefore, 4);
        Assert.Contains("does not vote for now", cluster.Nodes[3]!.VotingState, StringComparison.Ordinal);
        await cluster.StopNodeAsync(3);
        Assert.Equal(Height.Genesis, LastSigned(cluster.FolderOf(3), cluster.Signers[3]));
    }

    [Fact]
    public async Task SecondProcessWithTheSameKey_NoticesAndNeverContradictsTheFirst()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await DecideAsync(cluster, 0, BlocksBefore);
        int doubled = Enumerable.Range(0, 4).MinBy(i => cluster.Nodes[i]!.Account); // it dials all others
        int other = (doubled + 1) % 4;
        await using ChainNode second = await ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = ChainCluster.ChainId,
                StateDirectory = folder.File("second"),
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Validators = [.. cluster.Signers.Select(s => new Validator(s.PublicKey, 1))],
                Timeouts = cluster.Timeouts,
                StallInterval = cluster.StallInterval,
                ReconnectInterval = TimeSpan.FromMilliseconds(50),
            },
            new CounterApplication(cluster.Signers), cluster.Signers[doubled], TimeProvider.System,
            NullLogger.Instance, Soon);
        second.ConnectPeers(cluster.Alive.Where(n => n.Account != second.Account)
            .ToDictionary(n => n.Account, n => n.ListenEndPoint));
        for (int i = 0; second.VotingState?.Contains("does not vote for now", StringComparison.Ordinal) != true; i++)
        {
            Height height = cluster.Nodes[other]!.Height;
            await cluster.SubmitAsync(other, 1_000 + i, 1);
            await cluster.Nodes[other]!.WaitForHeightAsync(height.Next, Soon);
        }

        for (Height h = new(1); h <= cluster.Nodes[other]!.Height; h = h.Next)
        {
            Assert.DoesNotContain( // an array of seven that begins with a text of 21 bytes: evidence
                cluster.Nodes[other]!.ReadBlock(h)!.Value.Block.Transactions,
                t => t.Span[0] == 0x87 && t.Span[1] == 0x75);
        }
    }

    private async Task DecideAsync(ChainCluster cluster, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            await cluster.SubmitAsync(1, i, 1);
            await cluster.WaitForCountAsync(i + 1, Soon);
        }
    }

    private static Height LastSigned(string stateDirectory, TestSigner signer)
    {
        using SignStateLog log = SignStateLog.Open(
            Path.Combine(stateDirectory, "sign", signer.PublicKey.Account.ToString()), signer.PublicKey.Account);
        return log.Last?.Height ?? Height.Genesis;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
