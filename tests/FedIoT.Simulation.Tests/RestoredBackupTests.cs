using Xunit;

namespace FedIoT.Simulation.Tests;

/// <summary>
/// A node whose disk is put back to an earlier copy, or is empty, while the chain goes on: it does not know what it
/// signed since, and the world's record does.
/// </summary>
public sealed class RestoredBackupTests
{
    private const int Seeds = 60;
    private const int PutBackMs = 3_000;

    [Theory]
    [InlineData(4, 1_500)]
    [InlineData(7, 2_900)]
    [InlineData(4, 0)] // a new disk
    public void Node_WithAnEarlierDisk_NeverSignsAHeightAgain(int validators, int copiedAtMs)
    {
        Parallel.For(1, Seeds + 1, seed =>
        {
            var world = new World(new Scenario
            {
                Seed = (ulong)seed,
                Powers = [.. Enumerable.Repeat(1L, validators)],
                Attacks = [],
                DelayMsMax = 20 + (seed % 3 * 60),
                LossPerMille = seed % 4 * 50,
                SignMsMax = 5,
                HealsAtMs = 5_000,
            });
            SimulatedNode node = world.Nodes[seed % validators];
            SimulatedDisk copy = new();
            if (copiedAtMs > 0)
            {
                world.At(copiedAtMs, () => copy = node.Backup());
            }

            world.At(PutBackMs, () => node.PutBack(copy));
            world.Run(); // throws at the first contradiction, and when the chain does not move afterwards
        });
    }
}
