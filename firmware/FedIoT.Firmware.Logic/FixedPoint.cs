#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Integer square root, logarithm and cosine. No floating point: stock microcontroller firmware computes
    /// doubles in single precision, and features must be bit-equal on every runtime.
    /// </summary>
    internal static class FixedPoint
    {
        /// <summary>1.0 in Q15.</summary>
        internal const int One15 = 1 << 15;

        /// <summary>1.0 in Q30.</summary>
        internal const long One30 = 1L << 30;

        private const long HalfPi30 = 1686629713; // round(pi / 2 * 2^30)

        /// <summary>floor(sqrt(value)), one result bit a turn.</summary>
        internal static int SquareRoot(uint value)
        {
            uint root = 0;
            uint bit = 1u << 30;
            while (bit > value)
            {
                bit >>= 2;
            }

            while (bit != 0)
            {
                uint trial = root + bit;
                root >>= 1;
                if (value >= trial)
                {
                    value -= trial;
                    root += bit;
                }

                bit >>= 2;
            }

            return (int)root;
        }

        /// <summary>
        /// 256 x log2(value) rounded down, for value >= 1: the exponent, then eight bits of the fraction, each by
        /// squaring a Q30 mantissa (a square of at least 2 gives a 1 bit and is halved).
        /// </summary>
        internal static int Log2Q8(long value)
        {
            int exponent = 0;
            long rest = value;
            for (int step = 32; step != 0; step >>= 1)
            {
                if (rest >> step != 0)
                {
                    rest >>= step;
                    exponent += step;
                }
            }

            long mantissa = exponent > 30 ? value >> (exponent - 30) : value << (30 - exponent);
            int result = exponent;
            for (int i = 0; i < 8; i++)
            {
                mantissa = (mantissa * mantissa) >> 30;
                result <<= 1;
                if (mantissa >= 2 * One30)
                {
                    mantissa >>= 1;
                    result |= 1;
                }
            }

            return result;
        }

        /// <summary>
        /// cos(2 pi x numerator / denominator) in Q30, error below 2^-27: reduction to an eighth of a turn, then the
        /// Taylor series.
        /// </summary>
        /// <param name="numerator">0 to denominator.</param>
        /// <param name="denominator">1 to 1024.</param>
        internal static long Cosine30(int numerator, int denominator)
        {
            int part = 2 * numerator > denominator ? denominator - numerator : numerator;
            int quarters = 4 * part; // angle = quarters / denominator x pi / 2, 0 to pi
            bool isNegative = quarters > denominator;
            if (isNegative)
            {
                quarters = (2 * denominator) - quarters;
            }

            long value = 2 * quarters <= denominator
                ? CosineSeries(((HalfPi30 * quarters) + (denominator / 2)) / denominator)
                : SineSeries(((HalfPi30 * (denominator - quarters)) + (denominator / 2)) / denominator);
            return isNegative ? -value : value;
        }

        /// <summary>Q30 to Q15, rounded half up.</summary>
        internal static int ToQ15(long value30)
        {
            return (int)((value30 + (1 << 14)) >> 15);
        }

        // Both series: |angle| <= pi / 4, so the first term left out is below 2^-30.
        private static long CosineSeries(long angle)
        {
            long square = (angle * angle) >> 30;
            long sum = One30;
            long term = One30;
            for (int i = 1; i <= 11; i += 2)
            {
                term = -(((term * square) >> 30) / (i * (i + 1)));
                sum += term;
            }

            return sum;
        }

        private static long SineSeries(long angle)
        {
            long square = (angle * angle) >> 30;
            long sum = angle;
            long term = angle;
            for (int i = 2; i <= 10; i += 2)
            {
                term = -(((term * square) >> 30) / (i * (i + 1)));
                sum += term;
            }

            return sum;
        }
    }
}
