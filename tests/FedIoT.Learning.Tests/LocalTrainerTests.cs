using FedIoT.Learning.Kernels;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests;

public sealed class LocalTrainerTests
{
    private static readonly TrainingParameters Usual = new(2, 32, 50_000, 500_000, 100);

    [Theory]
    [InlineData("mlp")]
    [InlineData("convolution")]
    public void Train_SameArguments_GivesTheSameBytesAndAnotherSeedOthers(string name)
    {
        ModelArchitecture architecture = Of(name);
        TrainingSet set = Set(architecture, 150);
        int[] master = Samples.Master(architecture, 1, 6_000);
        var trainer = new LocalTrainer(architecture, Usual);
        var residual = new float[master.Length];
        sbyte[] first = trainer.Train(master, set, 5, residual);
        float[] kept = [.. residual];
        _ = trainer.Train(master, Set(architecture, 77), 6, new float[master.Length]); // leaves no trace
        residual.AsSpan().Clear();
        Assert.Equal(first, trainer.Train(master, set, 5, residual));
        Assert.Equal(kept, residual);
        Assert.NotEqual(first, trainer.Train(master, set, 6, new float[master.Length]));
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("convolution")]
    public void Train_ManyRounds_LearnsTheTrainingSet(string name)
    {
        ModelArchitecture architecture = Of(name);
        (short[] rows, byte[] labels) = Samples.Labelled(architecture, 200, 3);
        Standardisation constants = Samples.Constants(architecture.InputCount, 3);
        var set = new TrainingSet(architecture, constants, rows, labels);
        int[] master = Samples.Master(architecture, 4, 6_000);
        var trainer = new LocalTrainer(architecture, Usual);
        var residual = new float[master.Length];
        for (ulong round = 1; round <= 40; round++)
        {
            sbyte[] delta = trainer.Train(master, set, round, residual);
            for (int i = 0; i < master.Length; i++)
            {
                master[i] += delta[i] * 16;
            }
        }

        int[] predictions = new QuantizedModel(architecture, master, constants).Predict(rows, labels.Length);
        double accuracy = Metrics.From(labels, predictions, architecture.OutputCount).Accuracy;
        Assert.True(accuracy > 0.95, $"{accuracy}, loss {trainer.MeanLoss}");
    }

    [Fact]
    public void Train_RepeatedFromOneMaster_DeltasAndResidualAddUpToWhatWasMoved()
    {
        const int Rounds = 9;
        TrainingSet set = Set(Samples.Mlp, 100);
        int[] master = Samples.Master(Samples.Mlp, 2, 6_000);
        var trainer = new LocalTrainer(Samples.Mlp, Usual with { LearningRateMillionths = 500 });
        var residual = new float[master.Length];
        var sums = new int[master.Length];
        for (int round = 0; round < Rounds; round++)
        {
            sbyte[] delta = trainer.Train(master, set, 5, residual);
            Assert.Equal(0, trainer.SaturatedCount);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += delta[i];
            }
        }

        int next = 0;
        int nonZero = 0;
        for (int t = 0; t < Samples.Mlp.Tensors.Count; t++)
        {
            TensorSpecification tensor = Samples.Mlp.Tensors[t];
            Parameter parameter = trainer.Network.Parameters[t];
            float deltaUnits = FakeQuantization.PowerOfTwo(tensor.ScaleExponent + 4);
            for (int i = 0; i < tensor.Length; i++, next++)
            {
                float moved = (parameter.Latent[parameter.IndexOf(i)] * deltaUnits) - (master[next] / 16f);
                Assert.InRange(residual[next], -0.5f, 0.5f);
                Assert.Equal(moved * Rounds, sums[next] + residual[next], 1e-3f);
                nonZero += sums[next] == 0 ? 0 : 1;
            }
        }

        Assert.True(nonZero > 50, $"only {nonZero} of {next} weights were ever sent");
    }

    [Fact]
    public void Train_HugeSteps_SaturatesCountsAndKeepsABoundedResidual()
    {
        TrainingSet set = Set(Samples.Mlp, 100);
        int[] master = Samples.Master(Samples.Mlp, 2, 6_000);
        var trainer = new LocalTrainer(Samples.Mlp, Usual with { LearningRateMillionths = 10_000_000 });
        var residual = new float[master.Length];
        for (ulong round = 1; round <= 3; round++)
        {
            sbyte[] delta = trainer.Train(master, set, round, residual);
            int atLimit = delta.Count(d => d is 127 or -127);
            Assert.InRange(trainer.SaturatedCount, 1, atLimit);
            Assert.DoesNotContain((sbyte)-128, delta);
            Assert.All(residual, r => Assert.InRange(r, -127f, 127f));
        }
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("convolution")]
    public void Train_PaddingOfTheKernels_StaysZero(string name)
    {
        ModelArchitecture architecture = Of(name);
        var trainer = new LocalTrainer(architecture, Usual);
        int[] master = Samples.Master(architecture, 2, 6_000);
        trainer.Train(master, Set(architecture, 100), 1, new float[master.Length]);
        for (int t = 0; t < architecture.Tensors.Count; t++)
        {
            Parameter parameter = trainer.Network.Parameters[t];
            HashSet<int> real = [.. Enumerable.Range(0, architecture.Tensors[t].Length).Select(parameter.IndexOf)];
            Assert.Equal(architecture.Tensors[t].Length, real.Count);
            for (int i = 0; i < parameter.Latent.Length; i++)
            {
                Assert.True(
                    real.Contains(i) || (parameter.Latent[i] == 0 && parameter.Gradient[i] == 0),
                    $"{architecture.Tensors[t].Name}[{i}] = {parameter.Latent[i]}");
            }
        }
    }

    [Fact]
    public void Train_ArgumentsThatDoNotFit_AreRefused()
    {
        var trainer = new LocalTrainer(Samples.Mlp, Usual);
        int count = Samples.Mlp.ParameterCount;
        TrainingSet set = Set(Samples.Mlp, 10);
        Assert.Throws<ArgumentException>(() => trainer.Train(new int[count - 1], set, 1, new float[count]));
        Assert.Throws<ArgumentException>(() => trainer.Train(new int[count], set, 1, new float[count - 1]));
        Assert.Throws<ArgumentException>(
            () => trainer.Train(new int[count], Set(Samples.Convolution, 10), 1, new float[count]));
        Assert.Throws<ArgumentException>(() => trainer.Train(new int[count], Set(Samples.Mlp, 0), 1, new float[count]));
        Assert.Throws<ArgumentException>(() => new LocalTrainer(Samples.Mlp, Usual with { BatchSamples = 0 }));
    }

    private static ModelArchitecture Of(string name) => name == "mlp" ? Samples.Mlp : Samples.Convolution;

    private static TrainingSet Set(ModelArchitecture architecture, int count)
    {
        (short[] rows, byte[] labels) = Samples.Labelled(architecture, count, 8);
        return new TrainingSet(architecture, Samples.Constants(architecture.InputCount, 8), rows, labels);
    }
}
