using FedIoT.Wire;
using Xunit;

namespace FedIoT.Simulation.Tests;

/// <summary>
/// A scripted run, killed at every operation that changes the disk (write, fsync, create, delete, cut, folder sync),
/// before and after it. The world's invariants are: no conflicting signature, no lost committed block, no failed start.
/// </summary>
public sealed class CrashPointTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public void Node_KilledAtEveryDiskOperation_ContinuesToTheSameState(int validators, bool isCutAfter)
    {
        (int operations, Hash256 root) = Run(validators, cutAt: 0, isCutAfter, again: 0);
        Assert.True(operations > 80, $"the script has only {operations} operations");
        Parallel.For(1, operations + 1, cutAt =>
        {
            (_, Hash256 after) = Run(validators, cutAt, isCutAfter, again: 0);
            Assert.True(after == root, $"cut at operation {cutAt}: state root {after}, uncut {root}");
        });
    }

    [Fact]
    public void Node_KilledAgainWhileItRecovers_ContinuesToTheSameState()
    {
        (int operations, Hash256 root) = Run(validators: 1, cutAt: 0, isCutAfter: false, again: 0);
        Parallel.For(1, operations + 1, cutAt =>
        {
            for (int again = 1; again <= 12; again++)
            {
                (_, Hash256 after) = Run(validators: 1, cutAt, isCutAfter: again % 2 == 0, again);
                Assert.True(after == root, $"cut at operations {cutAt} and {again}: state root {after}, uncut {root}");
            }
        });
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(4, true)]
    public void PruningNode_KilledAtEveryDiskOperation_ContinuesToTheSameState(int validators, bool isCutAfter)
    {
        (int operations, Hash256 root) = Run(validators, cutAt: 0, isCutAfter, again: 0, isPruning: true);
        Assert.True(operations > 120, $"the script has only {operations} operations");
        Parallel.For(1, operations + 1, cutAt =>
        {
            (_, Hash256 after) = Run(validators, cutAt, isCutAfter, again: cutAt % 3 * 5, isPruning: true);
            Assert.True(after == root, $"cut at operation {cutAt}: state root {after}, uncut {root}");
        });
    }

    // The last validator is the one that is cut; the seed decides whether power is cut or the process killed.
    private static (int Operations, Hash256 Root) Run(
        int validators, int cutAt, bool isCutAfter, int again, bool isPruning = false)
    {
        var world = new World(new Scenario
        {
            Seed = (ulong)((cutAt * 2) + (isCutAfter ? 1 : 0)),
            Powers = [.. Enumerable.Repeat(1L, validators)],
            Attacks = [],
            DelayMsMax = 20,
            SignMsMax = 2,
            HealsAtMs = !isPruning ? 1_500 : validators == 1 ? 9_000 : 3_000,
            SnapshotBlocks = isPruning ? 2 : 0,
            RetainedBlocks = 3,
            Pruning = isPruning ? 1L << (validators - 1) : 0,
        });
        SimulatedNode node = world.Nodes[^1];
        node.Disk.CutAt = cutAt;
        node.Disk.IsCutAfter = isCutAfter;
        if (again > 0)
        {
            node.LaterCuts.Enqueue(again);
            node.LaterCuts.Enqueue(again + 3);
        }

        SimulatedDisk first = node.Disk;
        world.Run();
        Assert.Equal(isPruning, node.Store!.First.Value > 1);
        return (first.Operations, node.Application!.Committed.StateRoot);
    }
}
