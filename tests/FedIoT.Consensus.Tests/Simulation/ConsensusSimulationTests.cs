using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests.Simulation;

public sealed class ConsensusSimulationTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void Network_LossAndReordering_AgreesAndHeals(int validators) => RunSeeds(40, new Faults
    {
        Validators = validators,
        LossPerMille = 200,
        DuplicatesPerMille = 100,
        DelayMsMax = 400,
        SignMsMax = 150,
    });

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void Network_Partitions_AgreesAndHeals(int validators) => RunSeeds(40, new Faults
    {
        Validators = validators,
        LossPerMille = 50,
        DelayMsMax = 200,
        Partitions = true,
    });

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void Nodes_CrashesAndPowerCuts_AgreeAndHeal(int validators) => RunSeeds(40, new Faults
    {
        Validators = validators,
        LossPerMille = 50,
        DelayMsMax = 150,
        Partitions = true,
        Crashes = true,
        SignMsMax = 60,
    });

    [Theory]
    [InlineData(4, 1, Byzantine.Silent)]
    [InlineData(4, 1, Byzantine.Equivocating)]
    [InlineData(4, 1, Byzantine.Invalid)]
    [InlineData(4, 1, Byzantine.Selective)]
    [InlineData(4, 1, Byzantine.Twins)]
    [InlineData(7, 2, Byzantine.Equivocating)]
    [InlineData(7, 2, Byzantine.Selective)]
    [InlineData(7, 2, Byzantine.Twins)]
    internal void ByzantineThird_OnABadNetwork_HonestAgreeAndHeal(int validators, int count, Byzantine kind) =>
        RunSeeds(25, new Faults
        {
            Validators = validators,
            ByzantineCount = count,
            Byzantine = kind,
            LossPerMille = 100,
            DelayMsMax = 150,
            Partitions = true,
            Crashes = validators == 4,
        });

    [Fact]
    public void Equivocator_IsFoundOut()
    {
        int evidence = 0;
        for (ulong seed = 0; seed < 5; seed++)
        {
            var simulation = new ConsensusSimulation(
                seed, new Faults { ByzantineCount = 1, Byzantine = Byzantine.Equivocating });
            simulation.Run();
            evidence += simulation.EvidenceCount;
        }

        Assert.True(evidence > 0);
    }

    [Fact]
    public void Simulation_SameSeed_IsTheSameRun()
    {
        var faults = new Faults { LossPerMille = 100, DelayMsMax = 300, Crashes = true };
        Assert.Equal(Describe(77), Describe(77));
        Assert.NotEqual(Describe(77), Describe(78));

        (long, long, ulong) Describe(ulong seed)
        {
            var simulation = new ConsensusSimulation(seed, faults);
            long height = simulation.Run();
            return (height, simulation.Now, (ulong)simulation.Random(int.MaxValue));
        }
    }

    private static void RunSeeds(int count, Faults faults)
    {
        long heights = 0;
        for (int i = 0; i < count; i++)
        {
            heights += new ConsensusSimulation(SplitMix64.For(1, (ulong)i).Next(), faults).Run();
        }

        Assert.True(heights > 3L * count, "the runs decided nothing before the network healed");
    }
}
