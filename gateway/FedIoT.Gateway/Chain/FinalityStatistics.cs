namespace FedIoT.Gateway.Chain;

/// <summary>
/// Milliseconds from submission to commit of transactions that were submitted at this node: the last
/// <see cref="SamplesMax"/> of them. Thread-safe.
/// </summary>
public sealed class FinalityStatistics
{
    /// <summary>Samples that are kept: half a megabyte.</summary>
    public const int SamplesMax = 65_536;

    private readonly Lock gate = new();
    private readonly List<double> samples = [];
    private long count;

    /// <summary>Transactions measured since start.</summary>
    public long Count
    {
        get
        {
            lock (gate)
            {
                return count;
            }
        }
    }

    /// <summary>The kept samples, in no order.</summary>
    public double[] ToArray()
    {
        lock (gate)
        {
            return [.. samples];
        }
    }

    /// <summary>The smallest sample that a share of all does not exceed; 0 without samples.</summary>
    /// <param name="share">0.5 for the median, 0.99 for p99.</param>
    public double Percentile(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1.0);
        double[] sorted = ToArray();
        Array.Sort(sorted);
        return sorted.Length == 0 ? 0 : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }

    internal void Add(double milliseconds)
    {
        lock (gate)
        {
            if (samples.Count < SamplesMax)
            {
                samples.Add(milliseconds);
            }
            else
            {
                samples[(int)(count % SamplesMax)] = milliseconds;
            }

            count++;
        }
    }
}
