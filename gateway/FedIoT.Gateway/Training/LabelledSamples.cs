namespace FedIoT.Gateway.Training;

/// <summary>A device's samples that carry a class of the task.</summary>
/// <param name="Rows">Raw int16 features, all rows one after the other.</param>
/// <param name="Labels">Class of each row, from 0.</param>
public sealed record LabelledSamples(short[] Rows, byte[] Labels)
{
    /// <summary>Number of samples.</summary>
    public int Count => Labels.Length;

    /// <summary>Takes the labelled rows of the right length; a frame's label k is class k - 1.</summary>
    /// <param name="rows">One array a window.</param>
    /// <param name="labels">0 = none.</param>
    /// <param name="featureCount">Features of a window.</param>
    /// <param name="classCount">Labels above it belong to another task.</param>
    public static LabelledSamples From(
        IReadOnlyList<short[]> rows, IReadOnlyList<byte> labels, int featureCount, int classCount)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(labels);
        var used = new List<int>(rows.Count);
        for (int i = 0; i < rows.Count; i++)
        {
            if (labels[i] >= 1 && labels[i] <= classCount && rows[i].Length == featureCount)
            {
                used.Add(i);
            }
        }

        var values = new short[used.Count * featureCount];
        var classes = new byte[used.Count];
        for (int i = 0; i < used.Count; i++)
        {
            rows[used[i]].CopyTo(values, i * featureCount);
            classes[i] = (byte)(labels[used[i]] - 1);
        }

        return new LabelledSamples(values, classes);
    }
}
