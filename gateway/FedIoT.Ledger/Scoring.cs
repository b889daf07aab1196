using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>Integer scores, reputation and reward points: docs/spec/round.md "Scores".</summary>
internal static class Scoring
{
    /// <summary>Points that a round distributes at most.</summary>
    public const long RoundBudget = 1_000_000;

    /// <summary>Reputation moves by 1/8 of its distance to the newest score.</summary>
    public const int ReputationShift = 3;

    private const int One = 32_768;

    public static IReadOnlyList<DeltaScore> Apply(BlockExecution block, List<SignedDelta> deltas, int[] update)
    {
        var cosines = new int[deltas.Count];
        var norms = new long[deltas.Count];
        long updateSquares = 0;
        foreach (int value in update)
        {
            updateSquares += (long)value * value;
        }

        for (int i = 0; i < cosines.Length; i++)
        {
            (cosines[i], norms[i]) = Score(deltas[i].Values, update, updateSquares);
        }

        long[] points = Points(cosines);
        var scores = new DeltaScore[deltas.Count];
        for (int i = 0; i < scores.Length; i++)
        {
            Device device = block.FindDevice(deltas[i].Device)!;
            int reputation = device.ReputationQ15
                + ((Math.Max(0, cosines[i]) - device.ReputationQ15) >> ReputationShift);
            block.Put(device with { ReputationQ15 = reputation, Points = device.Points + points[i] });
            Account gateway = block.FindAccount(device.Gateway)!;
            block.Put(gateway with { Points = gateway.Points + points[i] });
            scores[i] = new DeltaScore(device.Id, device.Gateway, cosines[i], norms[i], points[i], reputation);
        }

        return scores;
    }

    /// <summary>Share of the budget by positive cosine, each clipped to twice the lower median of them.</summary>
    internal static long[] Points(int[] cosines)
    {
        long[] weights = [.. cosines.Select(c => (long)Math.Max(0, c))];
        long[] sorted = [.. weights.Order()];
        long clip = sorted.Length == 0 ? 0 : 2 * sorted[(sorted.Length - 1) / 2];
        if (clip > 0)
        {
            weights = [.. weights.Select(w => Math.Min(w, clip))];
        }

        long sum = weights.Sum();
        return [.. weights.Select(w => sum == 0 ? 0 : RoundBudget * w / sum)];
    }

    private static (int CosineQ15, long Norm) Score(ReadOnlySpan<sbyte> values, int[] update, long updateSquares)
    {
        long dot = 0;
        long squares = 0;
        for (int i = 0; i < values.Length; i++)
        {
            dot += (long)values[i] * update[i];
            squares += values[i] * values[i];
        }

        long norm = (long)IntegerMath.SquareRoot((UInt128)squares);
        Int128 product = (Int128)IntegerMath.SquareRoot((UInt128)squares * (UInt128)updateSquares);
        int cosine = product == 0 ? 0 : (int)((Int128)dot * One / product);
        return (Math.Clamp(cosine, -One, One), norm);
    }
}
