namespace FedIoT.Learning;

/// <summary>How well predictions match labels. Immutable.</summary>
public sealed class Metrics
{
    private readonly int[] confusion;

    private Metrics(int classCount, int count, int[] confusion)
    {
        ClassCount = classCount;
        Count = count;
        this.confusion = confusion;
        int right = 0;
        for (int i = 0; i < classCount; i++)
        {
            right += this[i, i];
        }

        Correct = right;
        Accuracy = count == 0 ? 0 : (double)right / count;
        MacroF1 = MeanF1();
    }

    /// <summary>Number of classes.</summary>
    public int ClassCount { get; }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>Samples whose prediction is their label.</summary>
    public int Correct { get; }

    /// <summary>Correct / Count; 0 without samples.</summary>
    public double Accuracy { get; }

    /// <summary>Mean over the classes that occur of 2 tp / (2 tp + fp + fn).</summary>
    public double MacroF1 { get; }

    /// <summary>Samples of class <paramref name="actual"/> that were called <paramref name="predicted"/>.</summary>
    public int this[int actual, int predicted] => confusion[(actual * ClassCount) + predicted];

    /// <summary>Compares predictions with labels, both from 0.</summary>
    /// <exception cref="ArgumentException">Different lengths, or a value that is no class.</exception>
    public static Metrics From(ReadOnlySpan<byte> labels, ReadOnlySpan<int> predictions, int classCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classCount, 1);
        if (labels.Length != predictions.Length)
        {
            throw new ArgumentException(
                $"{labels.Length} labels and {predictions.Length} predictions.", nameof(predictions));
        }

        var confusion = new int[classCount * classCount];
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= classCount || predictions[i] < 0 || predictions[i] >= classCount)
            {
                throw new ArgumentException(
                    $"Sample {i}: {labels[i]} or {predictions[i]} is no class.", nameof(labels));
            }

            confusion[(labels[i] * classCount) + predictions[i]]++;
        }

        return new Metrics(classCount, labels.Length, confusion);
    }

    private double MeanF1()
    {
        double sum = 0;
        int occurring = 0;
        for (int c = 0; c < ClassCount; c++)
        {
            int actual = 0;
            int predicted = 0;
            for (int other = 0; other < ClassCount; other++)
            {
                actual += this[c, other];
                predicted += this[other, c];
            }

            if (actual > 0)
            {
                occurring++;
                sum += 2.0 * this[c, c] / (actual + predicted); // 2 tp + fp + fn = actual + predicted
            }
        }

        return occurring == 0 ? 0 : sum / occurring;
    }
}
