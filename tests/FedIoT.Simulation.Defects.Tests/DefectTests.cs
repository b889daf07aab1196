using System.Globalization;
using Xunit;

namespace FedIoT.Simulation.Defects;

/// <summary>Each defect is found within 2,000 seeds; without one the same seeds are clean.</summary>
public sealed class DefectTests
{
    private const int SeedsMax = 2_000;

    [Theory]
    [InlineData(Defect.SkipLockCheck)]
    [InlineData(Defect.ForgetUnlock)]
    [InlineData(Defect.PersistAfterSend)]
    [InlineData(Defect.HalfQuorum)]
    [InlineData(Defect.WrongProposer)]
    public void Simulation_WithADefect_FindsIt(Defect defect)
    {
        (ulong Seed, string What)? found = FirstFailure(defect, SeedsMax);
        Assert.True(found is not null, $"{defect} was not found within {SeedsMax} seeds");
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{defect}: {found.Value.What}"));
    }

    [Fact]
    public void Simulation_WithoutADefect_FindsNothing()
    {
        (ulong Seed, string What)? found = FirstFailure(Defect.None, 100);
        Assert.True(found is null, found?.What);
    }

    // In order, two at a time: the lowest failing seed of the first batch that has one.
    private static (ulong Seed, string What)? FirstFailure(Defect defect, int count)
    {
        SeededDefect.Activate(defect);
        for (int start = 1; start <= count; start += 20)
        {
            string?[] results = new string?[20];
            int first = start;
            Parallel.For(0, results.Length, i => results[i] = Run((ulong)(first + i)));
            int index = Array.FindIndex(results, r => r is not null);
            if (index >= 0)
            {
                return ((ulong)(start + index), results[index]!);
            }
        }

        return null;
    }

    private static string? Run(ulong seed)
    {
        try
        {
            new World(Scenario.For(seed)).Run();
            return null;
        }
        catch (SimulationException e)
        {
            return e.Message;
        }
    }
}
