using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests.Federation;

/// <summary>
/// Federated training on real recordings, from features to the exported int8 file under ONNX Runtime; the numbers to
/// reach are those of the floating-point reference simulation.
/// </summary>
public sealed class FederationTests(ITestOutputHelper output)
{
    private static readonly TrainingParameters Reference = new(5, 32, 50_000, 0, 100);
    private static readonly TrainingParameters Recommended = new(5, 32, 20_000, 900_000, 100);

    private static readonly Lazy<Population> People =
        new(() => Population.ReadPeople(TestData.Require("hapt-har")));

    private static readonly Lazy<Population> Fan =
        new(() => Population.ReadFan(TestData.Require("fan-vibration")));

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void People_RecommendedTraining_ReachesTheFloatReference(ulong seed)
    {
        Population people = Require(People, "hapt-har");
        Assert.Equal((7415, 2996), (people.Clients.Sum(c => c.Labels.Length), people.TestLabels.Length));
        FederatedRun run = Start(people, Recommended, seed);
        AdvanceTo(run, 10, 0.918);
        AdvanceTo(run, 20, 0.932);
        Assert.InRange(run.SaturatedShare, 0, 0.002);
        AssertSameClasses(people, run);
    }

    [Fact]
    public void People_ReferenceRates_ComeWithinAHundredthOfTheFloatReference()
    {
        Population people = Require(People, "hapt-har");
        FederatedRun run = Start(people, Reference, 1);
        AdvanceTo(run, 10, 0.908);
        AdvanceTo(run, 20, 0.922);
        Assert.InRange(run.SaturatedShare, 0, 0.0005);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Fan_RecommendedTraining_ReachesTheFloatReference(ulong seed)
    {
        Population fan = Require(Fan, "fan-vibration");
        Assert.Equal((4233, 1785), (fan.Clients.Sum(c => c.Labels.Length), fan.TestLabels.Length));
        FederatedRun run = Start(fan, Recommended, seed);
        AdvanceTo(run, 1, 0.596);
        AdvanceTo(run, 10, 0.724);
        AdvanceTo(run, 50, 0.776);
        Assert.InRange(run.SaturatedShare, 0, 0.002);
        AssertSameClasses(fan, run);
    }

    /// <summary>Reads a data set once for all tests; skips where it is not there.</summary>
    private static Population Require(Lazy<Population> population, string name)
    {
        TestData.Require(name);
        return population.Value;
    }

    private static FederatedRun Start(Population population, TrainingParameters training, ulong seed)
    {
        int[] dimensions = [population.FeatureCount, 32, population.ClassCount];
        var architecture = new ModelArchitecture(ModelKind.Mlp, dimensions, 5, 5, 5, 5);
        return new FederatedRun(population, architecture, training, seed);
    }

    private void AdvanceTo(FederatedRun run, int round, double accuracyMin)
    {
        while (run.Round < round)
        {
            run.RunRound();
        }

        double int8 = run.AccuracyInt8(), master = run.AccuracyFloat();
        output.WriteLine($"round {round}: int8 {int8:F4}, float {master:F4}, saturated {run.SaturatedShare:P4}");
        Assert.True(int8 >= accuracyMin, $"round {round}: {int8:F4} is below {accuracyMin}");
        Assert.True(int8 >= master - 0.01, $"round {round}: int8 {int8:F4} loses to float {master:F4}");
    }

    /// <summary>The kernels and ONNX Runtime give the same logits on every real sample, so the same classes.</summary>
    private static void AssertSameClasses(Population population, FederatedRun run)
    {
        int count = population.TestLabels.Length;
        using OnnxModel file = OnnxModel.Load(run.Export());
        var kernels = new QuantizedModel(run.Architecture, run.Master, run.Constants);
        float[] expected = kernels.Logits(population.TestRows, count);
        float[] actual = file.Logits(population.TestRows, count);
        float largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i] - actual[i]));
        }

        Assert.Equal(0f, largest);
        Assert.Equal(kernels.Predict(population.TestRows, count), file.Predict(population.TestRows, count));
    }
}
