using System.Numerics;
using FedIoT.Ledger.Aggregation;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger.Tests;

public sealed class AggregationTests
{
    public static readonly TheoryData<AggregationRule> Rules = [.. Enum.GetValues<AggregationRule>()];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Aggregate_RandomDeltas_EqualsTheNaiveRule(AggregationRule rule)
    {
        for (int n = 1; n <= 40; n++)
        {
            foreach (int length in (int[])[1, 67, 255, 258])
            {
                sbyte[][] deltas = Random((ulong)((n * 1000) + length), n, length, spread: 127);
                Compare(rule, deltas, n / 5, $"n {n}, length {length}");
                Compare(rule, deltas, (n - 1) / 2, $"n {n}, length {length}, largest f");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Aggregate_ManyDeltas_EqualsTheNaiveRule(AggregationRule rule)
    {
        // 126 to 129: where byte lanes stop counting; 252 to 260: where 16-bit sums end; 1024: the most.
        foreach (int n in (int[])[126, 127, 128, 129, 252, 253, 258, 259, 300])
        {
            sbyte[][] deltas = Random((ulong)n, n, length: 41, spread: 127);
            Compare(rule, deltas, n / 5, $"n {n}");
            sbyte[][] extreme = [.. deltas.Select((_, i) =>
                Enumerable.Repeat((sbyte)(i < n / 3 ? -127 : 127), 41).ToArray())];
            Compare(rule, extreme, n / 5, $"extreme, n {n}");
        }

        sbyte[][] most = [.. Enumerable.Range(0, 1024).Select(_ => new sbyte[] { 127, -127, 0 })];
        Compare(rule, most, 511, "1024 equal rows");
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Aggregate_TiesAndExtremes_EqualsTheNaiveRule(AggregationRule rule)
    {
        foreach (int spread in (int[])[0, 1, 2])
        {
            for (int n = 1; n <= 24; n++)
            {
                sbyte[][] deltas = Random((ulong)(n + (100 * spread)), n, length: 130, spread);
                for (int i = 0; i < n / 4; i++)
                {
                    Array.Fill(deltas[i], (sbyte)(i % 2 == 0 ? 127 : -127));
                }

                Compare(rule, deltas, n / 5, $"n {n}, spread {spread}");
            }
        }
    }

    [Fact]
    public void Mean_LongDelta_CrossesStripsExactly()
    {
        sbyte[][] deltas = Random(5, 9, length: 9001, spread: 127);
        foreach (AggregationRule rule in Enum.GetValues<AggregationRule>())
        {
            Compare(rule, deltas, 2, rule.ToString());
        }
    }

    [Fact]
    public void PairwiseProducts_EveryPath_GivesTheSameNumbers()
    {
        foreach ((int n, int length) in ((int, int)[])[(1, 1), (3, 31), (5, 4097), (13, 9000)])
        {
            sbyte[][] deltas = Random((ulong)length, n, length, spread: 127);
            ReadOnlyMemory<sbyte>[] rows = [.. deltas.Select(d => new ReadOnlyMemory<sbyte>(d))];
            foreach (PairwiseProducts.Path path in Enum.GetValues<PairwiseProducts.Path>())
            {
                if (path > PairwiseProducts.Best)
                {
                    continue; // this machine lacks the instructions; the narrower paths still run
                }

                long[][] products = PairwiseProducts.Compute(rows, path);
                for (int i = 0; i < n; i++)
                {
                    for (int j = 0; j < n; j++)
                    {
                        long expected = deltas[i].Zip(deltas[j], (a, b) => (long)a * b).Sum();
                        Assert.True(expected == products[i][j], $"{path}, n {n}, length {length}, pair {i} {j}");
                    }
                }
            }
        }
    }

    [Fact]
    public void RoundedQuotient_EverySumAndCountAtTheEdges_RoundsHalvesAwayFromZero()
    {
        for (int count = 1; count <= 1024; count++)
        {
            int most = 127 * count;
            List<int> sums = [.. Edges(most), -most];
            for (int sum = -most; sum <= most; sum += count < 40 ? 1 : 97)
            {
                sums.Add(sum);
            }

            CompareQuotients(RoundedQuotient.Sixteenth(count), sums, sum => 16m * sum / count);
        }
    }

    [Fact]
    public void RoundedQuotient_LargeDivisors_RoundsHalvesAwayFromZero()
    {
        for (int n = 3; n <= 1024; n += n < 40 ? 1 : 41)
        {
            foreach (int f in (int[])[1, n / 5, (n - 1) / 2])
            {
                int divisor = (n - (2 * f)) * (n - f);
                CompareQuotients(
                    RoundedQuotient.Sixteenth(divisor), Edges(127 * divisor), sum => 16m * sum / divisor);
            }

            CompareQuotients(RoundedQuotient.Whole(1024 * n), Edges(2032 * 1024 * n), sum => sum / (1024m * n));
        }
    }

    [Fact]
    public void SelectionNetwork_ZerosAndOnes_MovesEveryRankIntoItsRows()
    {
        // A network that sorts zeros and ones sorts everything. All inputs with up to 13 rows, many with more.
        for (int n = 1; n <= 13; n++)
        {
            for (int trim = 0; 2 * trim < n; trim++)
            {
                SelectZerosAndOnes(n, trim, 1 << n, column => (ulong)column);
            }
        }

        foreach (int n in (int[])[16, 17, 31, 33, 47, 64])
        {
            foreach (int trim in (int[])[0, 1, n / 5, (n - 1) / 2])
            {
                var random = new SplitMix64((ulong)n);
                SelectZerosAndOnes(n, trim, 1 << 12, _ => random.Next());
            }
        }
    }

    [Fact]
    public void Aggregate_InputOutsideTheContract_Throws()
    {
        IAggregationRule rule = AggregationRules.For(AggregationRule.TrimmedMean);
        ReadOnlyMemory<sbyte>[] two = [new sbyte[3], new sbyte[3]];
        Assert.Throws<ArgumentException>(() => rule.Aggregate([], 0, new int[3]));
        Assert.Throws<ArgumentException>(() => rule.Aggregate(two, 1, new int[3]));
        Assert.Throws<ArgumentException>(() => rule.Aggregate(two, -1, new int[3]));
        Assert.Throws<ArgumentException>(() => rule.Aggregate(two, 0, new int[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AggregationRules.For(0));
    }

    [Fact]
    public void Aggregate_ScaledAttackers_BoundedByNnmTrimmedMeanButNotByMean()
    {
        const int Length = 2000;
        sbyte[][] honest = Random(11, 21, Length, spread: 12);
        sbyte[] common = Random(12, 1, Length, spread: 20)[0];
        sbyte[][] deltas = [.. honest.Select((d, i) => d.Select((v, c) =>
            i < 4 ? (sbyte)Math.Clamp(-10 * (v + common[c]), -127, 127) : (sbyte)(v + common[c])).ToArray())];
        int[] clean = NaiveAggregation.Run(AggregationRule.Mean, deltas[4..], 0);

        double robust = RelativeError(Run(AggregationRule.NnmTrimmedMean, deltas, 4), clean);
        double mean = RelativeError(Run(AggregationRule.Mean, deltas, 4), clean);
        Assert.True(robust < 0.05, $"NNM + trimmed mean is off by {robust:f3} of the honest mean");
        Assert.True(mean > 1, $"the mean is off by only {mean:f3}: the attack is no control");
    }

    private static int[] Edges(int most) =>
        [.. new[] { 0, 1, 2, 3, 7, most / 3, most / 2, most - 1, most }
            .Concat(Enumerable.Range(0, 200).Select(i => (int)((long)most * i / 199)))
            .Where(sum => sum <= most).SelectMany(sum => (int[])[sum, -sum])];

    private static void CompareQuotients(RoundedQuotient quotient, IReadOnlyList<int> sums, Func<int, decimal> exact)
    {
        int[] actual = [.. sums];
        quotient.Replace(actual);
        for (int i = 0; i < actual.Length; i++)
        {
            int expected = (int)Math.Round(exact(sums[i]), MidpointRounding.AwayFromZero);
            Assert.True(expected == actual[i], $"{sums[i]}: {actual[i]}, not {expected}");
        }
    }

    /// <summary>Rows hold the bits of the columns: the wanted ones end with as many ones as sorting leaves.</summary>
    private static void SelectZerosAndOnes(int n, int trim, int columns, Func<int, ulong> bits)
    {
        var network = new SelectionNetwork(n, trim, n - 1 - trim);
        var block = new ColumnBlock<sbyte>(network.Rows);
        for (int start = 0; start < columns; start += block.Columns)
        {
            var values = new ulong[block.Columns];
            for (int column = 0; column < values.Length; column++)
            {
                values[column] = bits(start + column) & (ulong.MaxValue >> (64 - n));
                for (int row = 0; row < n; row++)
                {
                    block.Row(row)[column] = (sbyte)((values[column] >> row) & 1);
                }
            }

            block.Select(network);
            for (int column = 0; column < values.Length; column++)
            {
                int expected = Math.Clamp(BitOperations.PopCount(values[column]) - trim, 0, n - (2 * trim));
                int actual = 0;
                for (int row = trim; row < n - trim; row++)
                {
                    actual += block.Row(row)[column];
                }

                Assert.True(expected == actual, $"n {n}, trim {trim}, {values[column]:x}: {actual}, not {expected}");
            }
        }
    }

    private static double RelativeError(int[] actual, int[] expected) => Math.Sqrt(
        actual.Zip(expected, (a, e) => Math.Pow(a - e, 2)).Sum() / expected.Sum(e => Math.Pow(e, 2)));

    private static int[] Run(AggregationRule rule, sbyte[][] deltas, int f)
    {
        var update = new int[deltas[0].Length];
        AggregationRules.For(rule).Aggregate([.. deltas.Select(d => new ReadOnlyMemory<sbyte>(d))], f, update);
        return update;
    }

    private static void Compare(AggregationRule rule, sbyte[][] deltas, int f, string what)
    {
        int[] expected = NaiveAggregation.Run(rule, deltas, f);
        int[] actual = Run(rule, deltas, f);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] == actual[i], $"{rule}, {what}, f {f}: [{i}] {actual[i]}, not {expected[i]}");
        }
    }

    private static sbyte[][] Random(ulong seed, int count, int length, int spread)
    {
        var random = new SplitMix64(seed);
        var deltas = new sbyte[count][];
        for (int i = 0; i < count; i++)
        {
            deltas[i] = [.. Enumerable.Range(0, length).Select(_ => (sbyte)(random.Next((2 * spread) + 1) - spread))];
        }

        return deltas;
    }
}
