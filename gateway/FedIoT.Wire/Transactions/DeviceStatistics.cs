namespace FedIoT.Wire.Transactions;

/// <summary>Integer sums over one device's windows; what federated standardisation is made from.</summary>
/// <param name="Device">Whose.</param>
/// <param name="Count">n, windows counted: 1 to <see cref="CountMax"/>.</param>
/// <param name="Sums">Σx of each feature; |Σx| at most n × 32768.</param>
/// <param name="SquareSums">Σx² of each feature; at most n × 2^30, and n × Σx² at least (Σx)².</param>
public sealed record DeviceStatistics(
    DeviceId Device, long Count, IReadOnlyList<long> Sums, IReadOnlyList<long> SquareSums)
{
    /// <summary>Most windows of one device.</summary>
    public const long CountMax = 1_000_000;

    /// <summary>True when the numbers can come from <see cref="Count"/> int16 values of each feature.</summary>
    public bool IsPlausible()
    {
        if (Count is < 1 or > CountMax || Sums.Count != SquareSums.Count)
        {
            return false;
        }

        for (int i = 0; i < Sums.Count; i++)
        {
            long sum = Sums[i];
            long squares = SquareSums[i];
            if (sum < -Count * 32768 || sum > Count * 32768 || squares < 0 || squares > Count << 30
                || (Int128)Count * squares < (Int128)sum * sum)
            {
                return false;
            }
        }

        return true;
    }
}
