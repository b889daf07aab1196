namespace FedIoT.Ledger;

/// <summary>Exact integer arithmetic with the roundings of docs/spec/round.md.</summary>
internal static class IntegerMath
{
    /// <summary>Quotient rounded to the nearest, halves away from zero.</summary>
    public static Int128 DivideRounded(Int128 dividend, Int128 divisor)
    {
        Int128 magnitude = Int128.Abs(dividend);
        Int128 quotient = ((2 * magnitude) + divisor) / (2 * divisor);
        return dividend < 0 ? -quotient : quotient;
    }

    /// <summary>Same, where 2 |dividend| + divisor fits in a long.</summary>
    public static long DivideRounded(long dividend, long divisor)
    {
        long magnitude = Math.Abs(dividend);
        long quotient = ((2 * magnitude) + divisor) / (2 * divisor);
        return dividend < 0 ? -quotient : quotient;
    }

    /// <summary>Largest r with r² ≤ value, one bit at a time.</summary>
    public static UInt128 SquareRoot(UInt128 value)
    {
        if (value == 0)
        {
            return 0;
        }

        int bits = 128 - (int)UInt128.LeadingZeroCount(value);
        UInt128 root = 0;
        UInt128 bit = UInt128.One << ((bits - 1) & ~1);
        while (bit != 0)
        {
            UInt128 trial = root + bit;
            root >>= 1;
            if (value >= trial)
            {
                value -= trial;
                root += bit;
            }

            bit >>= 2;
        }

        return root;
    }
}
