using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// The quotient of a sum, rounded to the nearest, halves away from zero, in 32-bit lanes without a division:
/// q = floor(a / d), where a = factor |sum| + bias fits 32 bits, and q &lt; 2^11 as no mean is beyond 127.
/// Let 2^(b-1) ≤ d &lt; 2^b. The estimate (a &gt;&gt; s) × floor(2^(b+14) / d) &gt;&gt; (b + 14 - s) with
/// s = max(0, b - 5) stays below 2^31, and its three truncations lose at most 1/16 + 1/8 before the last one:
/// it is q or q - 1, and the remainder tells which.
/// </summary>
internal readonly struct RoundedQuotient
{
    private readonly int factorShift;
    private readonly uint bias;
    private readonly uint divisor;
    private readonly uint reciprocal;
    private readonly int inputShift;
    private readonly int outputShift;

    private RoundedQuotient(int factorShift, uint bias, uint divisor)
    {
        this.factorShift = factorShift;
        this.bias = bias;
        this.divisor = divisor;
        int bits = BitOperations.Log2(divisor) + 1;
        inputShift = Math.Max(0, bits - 5);
        outputShift = bits + 14 - inputShift;
        reciprocal = (uint)((1UL << (bits + 14)) / divisor);
    }

    /// <summary>round(16 sum / count) = floor((32 |sum| + count) / (2 count)) with the sign of the sum.</summary>
    /// <param name="count">1 to 2^20; sums are at most 127 of it, so that 4065 × 2^20 &lt; 2^32 is the most.</param>
    public static RoundedQuotient Sixteenth(int count) => new(5, (uint)count, 2 * (uint)count);

    /// <summary>round(sum / divisor) = floor((|sum| + divisor / 2) / divisor) with the sign of the sum.</summary>
    /// <param name="divisor">Even, at most 2^20; sums are at most 2032 of it.</param>
    public static RoundedQuotient Whole(int divisor) => new(0, (uint)divisor / 2, (uint)divisor);

    /// <summary>Replaces every sum by its quotient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Replace(Span<int> sums)
    {
        var half = new Vector<uint>(bias);
        var whole = new Vector<uint>(divisor);
        var inverse = new Vector<uint>(reciprocal);
        int i = 0;
        ref int origin = ref MemoryMarshal.GetReference(sums);
        for (; i + Vector<int>.Count <= sums.Length; i += Vector<int>.Count)
        {
            var sum = Vector.LoadUnsafe(ref origin, (nuint)i);
            Vector<int> sign = Vector.ShiftRightArithmetic(sum, 31);
            Vector<uint> dividend = Vector.ShiftLeft(((sum ^ sign) - sign).As<int, uint>(), factorShift) + half;
            Vector<uint> quotient = Vector.ShiftRightLogical(
                Vector.ShiftRightLogical(dividend, inputShift) * inverse, outputShift);
            Vector<int> one = Vector.GreaterThanOrEqual(dividend - (quotient * whole), whole).As<uint, int>();
            (((quotient.As<uint, int>() - one) ^ sign) - sign).StoreUnsafe(ref origin, (nuint)i);
        }

        for (; i < sums.Length; i++)
        {
            sums[i] = Of(sums[i]);
        }
    }

    private int Of(int sum)
    {
        unchecked
        {
            // Branch-free absolute value and sign: the bounds above leave no room for overflow.
            int sign = sum >> 31;
            uint dividend = ((uint)((sum ^ sign) - sign) << factorShift) + bias;
            return ((int)(dividend / divisor) ^ sign) - sign;
        }
    }
}
