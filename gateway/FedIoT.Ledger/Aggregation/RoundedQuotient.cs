namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// round(16 × sum / count), halves away from zero, by a multiplication: with a = 32 |sum| + count below 2^22 and
/// D = 2 count at most 2^11, floor(a / D) = a × ceil(2^33 / D) >> 33 exactly, because a × (D × ceil(2^33 / D) - 2^33)
/// is below 2^22 × 2^11 = 2^33.
/// </summary>
internal readonly struct RoundedQuotient
{
    private const int Shift = 33;

    private readonly uint count;
    private readonly ulong reciprocal;

    /// <summary>For sums of at most 1024 values of at most 127.</summary>
    /// <param name="count">1 to 1024.</param>
    public RoundedQuotient(int count)
    {
        this.count = (uint)count;
        ulong divisor = 2 * (ulong)count;
        reciprocal = ((1UL << Shift) + divisor - 1) / divisor;
    }

    /// <summary>The quotient.</summary>
    public int Of(int sum)
    {
        unchecked
        {
            // Branch-free absolute value and sign: the bounds above leave no room for overflow.
            int sign = sum >> 31;
            ulong dividend = ((uint)((sum ^ sign) - sign) * 32) + count;
            return ((int)((dividend * reciprocal) >> Shift) ^ sign) - sign;
        }
    }
}
