using FedIoT.Wire;

namespace FedIoT.Simulation;

/// <summary>What goes wrong in a run; all of it follows from the seed.</summary>
internal sealed record Scenario
{
    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Voting power of each validator.</summary>
    public required IReadOnlyList<long> Powers { get; init; }

    /// <summary>What the first validators do; the rest are honest.</summary>
    public required IReadOnlyList<Attack> Attacks { get; init; }

    /// <summary>Messages lost, in a thousand.</summary>
    public int LossPerMille { get; init; }

    /// <summary>Messages that come twice, in a thousand.</summary>
    public int DuplicatesPerMille { get; init; }

    /// <summary>Longest delay of a message until the network heals; afterwards 40 ms.</summary>
    public int DelayMsMax { get; init; }

    /// <summary>Longest time that a signature takes.</summary>
    public int SignMsMax { get; init; }

    /// <summary>A measurement: every message takes exactly so long, with the product's timeouts.</summary>
    public int? LinkMs { get; init; }

    /// <summary>A measurement: every signature takes exactly so long.</summary>
    public int? SignMs { get; init; }

    public bool HasPartitions { get; init; }

    public bool HasCrashes { get; init; }

    public bool HasDiskFaults { get; init; }

    public bool HasClockFaults { get; init; }

    /// <summary>Honest validators change their keys, and one may revoke its own.</summary>
    public bool HasKeyChanges { get; init; }

    /// <summary>Blocks from one snapshot to the next; 0 for no snapshots.</summary>
    public int SnapshotBlocks { get; init; }

    /// <summary>Newest blocks that pruning nodes keep.</summary>
    public int RetainedBlocks { get; init; } = 1;

    /// <summary>Bit i: node i deletes old blocks. Whoever falls behind needs one that does not.</summary>
    public long Pruning { get; init; }

    /// <summary>When the disk of the last node but one is lost, so that it begins anew; 0 for never.</summary>
    public int WipedAtMs { get; init; }
    /// <summary>Gateways without power at first, that the validators vote in, change and vote out again.</summary>
    public int Joiners { get; init; }

    /// <summary>When the faults end; Byzantine validators go on.</summary>
    public int HealsAtMs { get; init; }

    public long TotalPower => Powers.Sum();

    /// <summary>
    /// What all honest validators vote for, one after the other: the key and its power. Honest power never falls below
    /// what it was at first, so that the Byzantine share stays less than a third.
    /// </summary>
    public (int Key, long Power) Vote(int number)
    {
        var random = SplitMix64.For(Seed, 100 + (ulong)number);
        int honest = Powers.Count - Attacks.Count;
        bool isJoiner = random.Next(4) > 0;
        int key = isJoiner ? Powers.Count + random.Next(Joiners) : Attacks.Count + random.Next(honest);
        return (key, isJoiner ? random.Next(4) : Powers[key] + random.Next(3));
    }

    /// <summary>Draws a scenario.</summary>
    public static Scenario For(ulong seed)
    {
        var random = SplitMix64.For(seed, 1);
        int count = 4 + (random.Next(3) == 0 ? random.Next(7) : random.Next(2) * 3);
        long[] powers = [.. Enumerable.Repeat(1L, count)];
        if (random.Next(5) == 0)
        {
            for (int i = 0; i < count; i++)
            {
                powers[i] = 1 + random.Next(4);
            }
        }

        var storage = SplitMix64.For(seed, 3);
        List<Attack> attacks = DrawAttacks(ref random, powers);

        // Whoever lost its disk does not vote for a while: the others must be enough, and clocks be right.
        long others = powers.Sum() - powers[^2] - powers.Take(attacks.Count).Sum();
        bool isWiped = storage.Next(2) == 0 && others * 3 > powers.Sum() * 2;
        return new Scenario
        {
            Seed = seed,
            Powers = powers,
            Attacks = attacks,
            LossPerMille = random.Next(2) * random.Next(300),
            DuplicatesPerMille = random.Next(2) * random.Next(150),
            DelayMsMax = 20 + (random.Next(2) * random.Next(400)),
            SignMsMax = 1 + (random.Next(3) == 0 ? random.Next(150) : 4),
            HasPartitions = random.Next(2) == 0,
            HasCrashes = random.Next(2) == 0,
            HasDiskFaults = random.Next(3) == 0,
            HasClockFaults = random.Next(3) == 0 && !isWiped,
            WipedAtMs = isWiped ? 800 + storage.Next(3_000) : 0,
            HealsAtMs = 3_000 + random.Next(3_000),
            HasKeyChanges = seed % 3 == 1, // not drawn, so that the other runs stay what they were
            SnapshotBlocks = storage.Next(2) * (2 + storage.Next(5)),
            RetainedBlocks = 1 + storage.Next(6),
            Pruning = (long)(storage.Next() & 0xFFFFF) & ~(-1L << (count - 1)),
        };
    }

    /// <summary>The same with a set that changes all the time: joiners come and go, powers go up and down.</summary>
    public static Scenario ForChangingSet(ulong seed)
    {
        Scenario scenario = For(seed);
        int room = Math.Min(3, SimulatedSigner.OfScenarios - scenario.Powers.Count);

        // A validator whose power grows may become more than the others can do without while it is silent.
        return scenario with
        {
            Joiners = room == 0 ? 0 : 1 + SplitMix64.For(seed, 7).Next(room),
            WipedAtMs = 0,
        };
    }

    public override string ToString() =>
        $"powers {string.Join(',', Powers)}; attacks {string.Join(',', Attacks)}; loss {LossPerMille}, duplicates "
        + $"{DuplicatesPerMille} of 1000; delay to {DelayMsMax} ms; sign to {SignMsMax} ms; "
        + $"partitions {HasPartitions}, crashes {HasCrashes}, disk {HasDiskFaults}, clock {HasClockFaults}, "
        + $"keys {HasKeyChanges}; "
        + $"{Joiners} joiners; heals at {HealsAtMs} ms; snapshots {SnapshotBlocks}, retained {RetainedBlocks} by "
        + $"{Pruning:x}; wiped at {WipedAtMs}";

    // Always less than a third of the power.
    private static List<Attack> DrawAttacks(ref SplitMix64 random, long[] powers)
    {
        var attacks = new List<Attack>();
        if (random.Next(4) == 0)
        {
            return attacks;
        }

        long total = powers.Sum();
        long power = 0;
        var kind = (Attack)random.Next(8);
        while (attacks.Count < powers.Length && (power + powers[attacks.Count]) * 3 < total)
        {
            power += powers[attacks.Count];
            attacks.Add(kind);
            kind = random.Next(3) == 0 ? (Attack)random.Next(8) : kind;
        }

        return attacks;
    }
}
