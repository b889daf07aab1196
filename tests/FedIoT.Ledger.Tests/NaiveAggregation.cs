using System.Numerics;
using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger.Tests;

/// <summary>The rules of docs/spec/round.md word by word: sorting and big integers, one coordinate at a time.</summary>
internal static class NaiveAggregation
{
    public static int[] Run(AggregationRule rule, sbyte[][] deltas, int f) => rule switch
    {
        AggregationRule.Mean => Columns(deltas, x => Round(16 * x.Sum(v => (BigInteger)v), x.Length)),
        AggregationRule.ClipMean => ClipMean(deltas),
        AggregationRule.Median => Columns(deltas, Median),
        AggregationRule.TrimmedMean => Columns(deltas, x =>
            Round(16 * Kept(x.Select(v => (BigInteger)v), f), x.Length - (2 * f))),
        _ => NnmTrimmedMean(deltas, f),
    };

    private static int[] Columns(sbyte[][] deltas, Func<sbyte[], int> one) =>
        [.. Enumerable.Range(0, deltas[0].Length).Select(c => one([.. deltas.Select(d => d[c])]))];

    private static int Round(BigInteger dividend, BigInteger divisor)
    {
        BigInteger quotient = ((2 * BigInteger.Abs(dividend)) + divisor) / (2 * divisor);
        return (int)(dividend.Sign * quotient);
    }

    private static BigInteger Kept(IEnumerable<BigInteger> values, int f)
    {
        BigInteger[] sorted = [.. values.Order()];
        return sorted[f..^f].Aggregate(BigInteger.Zero, (a, b) => a + b);
    }

    private static BigInteger Sum(this IEnumerable<sbyte> values, Func<sbyte, BigInteger> one) =>
        values.Aggregate(BigInteger.Zero, (a, v) => a + one(v));

    private static int Median(sbyte[] values)
    {
        int[] sorted = [.. values.Select(v => (int)v).Order()];
        return 8 * (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]);
    }

    private static BigInteger SquareRoot(BigInteger value)
    {
        BigInteger low = 0;
        BigInteger high = value + 1;
        while (high - low > 1)
        {
            BigInteger middle = (low + high) / 2;
            (low, high) = middle * middle <= value ? (middle, high) : (low, middle);
        }

        return low;
    }

    private static int[] ClipMean(sbyte[][] deltas)
    {
        BigInteger[] squares = [.. deltas.Select(d => d.Sum(v => (BigInteger)(v * v)))];
        BigInteger clip = squares.Order().ElementAt((squares.Length - 1) / 2);
        BigInteger[] weights = [.. squares.Select(q => q <= clip ? 16384 : SquareRoot((clip << 28) / q))];
        return [.. Enumerable.Range(0, deltas[0].Length).Select(c =>
        {
            BigInteger sum = 0;
            for (int i = 0; i < deltas.Length; i++)
            {
                sum += weights[i] * deltas[i][c];
            }

            return Round(16 * sum, 16384 * (BigInteger)deltas.Length);
        })];
    }

    private static int[] NnmTrimmedMean(sbyte[][] deltas, int f)
    {
        int n = deltas.Length;
        BigInteger[][] mixed = [.. deltas.Select(x =>
        {
            int[] near = [.. Enumerable.Range(0, n)
                .OrderBy(j => x.Zip(deltas[j], (a, b) => (long)(a - b) * (a - b)).Sum()).ThenBy(j => j).Take(n - f)];
            return Enumerable.Range(0, x.Length)
                .Select(c => near.Aggregate(BigInteger.Zero, (a, j) => a + deltas[j][c])).ToArray();
        })];
        return [.. Enumerable.Range(0, deltas[0].Length).Select(c =>
            Round(16 * Kept(mixed.Select(y => y[c]), f), (BigInteger)(n - (2 * f)) * (n - f)))];
    }
}
