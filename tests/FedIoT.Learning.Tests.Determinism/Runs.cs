using System.Numerics;
using FedIoT.Learning.Kernels;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests.Determinism;

/// <summary>The runs whose results are compared between processors.</summary>
internal static class Runs
{
    private const ulong Seed = 20261122;
    private const int Batch = 32;
    private const int SamplesPerEpoch = 10 * Batch;

    /// <summary>Hash after a number of training steps, a multiple of 10.</summary>
    public static ulong HashTraining(ModelArchitecture architecture, int steps)
    {
        var training = new TrainingParameters(steps / 10, Batch, 50_000, 900_000, 100);
        var trainer = new LocalTrainer(architecture, training);
        var residual = new float[architecture.ParameterCount];
        TrainingSet samples = Samples(architecture);
        sbyte[] delta = trainer.Train(InitialMaster(architecture), samples, Seed, residual);
        var hash = new Fold();
        foreach (Parameter parameter in trainer.Network.Parameters)
        {
            hash.Add(parameter.Latent);
            hash.Add(parameter.Effective);
            hash.Add(parameter.Momentum);
        }

        hash.Add(residual);
        foreach (sbyte value in delta)
        {
            hash.Add(unchecked((uint)value));
        }

        hash.Add(BitConverter.SingleToUInt32Bits(trainer.MeanLoss));
        return hash.Value;
    }

    /// <summary>Hash of exp and log over their ranges.</summary>
    public static ulong HashFunctions()
    {
        var hash = new Fold();
        var values = new float[Vector<float>.Count];
        for (int i = 0; i < 100_000; i++)
        {
            float x = i * -0.001f;
            ElementaryFunctions.ExpOfNonPositive(new Vector<float>(x)).CopyTo(values);
            hash.Add(BitConverter.SingleToUInt32Bits(values[0]));
            hash.Add(BitConverter.SingleToUInt32Bits(ElementaryFunctions.Log(1f - x)));
        }

        return hash.Value;
    }

    private static TrainingSet Samples(ModelArchitecture architecture)
    {
        var random = SplitMix64.For(Seed, 1);
        int inputs = architecture.InputCount;
        var rows = new short[SamplesPerEpoch * inputs];
        var labels = new byte[SamplesPerEpoch];
        for (int s = 0; s < labels.Length; s++)
        {
            labels[s] = (byte)random.Next(architecture.OutputCount);
            for (int i = 0; i < inputs; i++)
            {
                int signal = (labels[s] + 1) * ((i % 7) - 3) * 150;
                rows[(s * inputs) + i] = (short)(signal + random.Next(2001) - 1000);
            }
        }

        var mean = new long[inputs];
        var deviation = new long[inputs];
        for (int i = 0; i < inputs; i++)
        {
            mean[i] = random.Next(51200) - 25600;
            deviation[i] = 150_000 + random.Next(100_000);
        }

        return new TrainingSet(architecture, new Standardisation(mean, deviation), rows, labels);
    }

    private static int[] InitialMaster(ModelArchitecture architecture)
    {
        var random = SplitMix64.For(Seed, 2);
        var master = new int[architecture.ParameterCount];
        for (int i = 0; i < master.Length; i++)
        {
            master[i] = random.Next(8001) - 4000;
        }

        return master;
    }

    /// <summary>An order-dependent 64-bit hash that needs no cryptographic library.</summary>
    private sealed class Fold
    {
        public ulong Value { get; private set; } = Seed;

        public void Add(uint bits) => Value = new SplitMix64(Value ^ bits).Next();

        public void Add(ReadOnlySpan<float> values)
        {
            foreach (float value in values)
            {
                Add(BitConverter.SingleToUInt32Bits(value));
            }
        }
    }
}
