using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Training;

/// <summary>Exact integer sums over a device's samples, for the statistics round.</summary>
public static class FeatureSums
{
    /// <summary>n, Σx and Σx² of every feature.</summary>
    public static DeviceStatistics Of(DeviceId device, LabelledSamples samples, int featureCount)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var sums = new long[featureCount];
        var squares = new long[featureCount];
        for (int i = 0; i < samples.Rows.Length; i++)
        {
            long value = samples.Rows[i];
            sums[i % featureCount] += value;
            squares[i % featureCount] += value * value;
        }

        return new DeviceStatistics(device, samples.Count, sums, squares);
    }
}
