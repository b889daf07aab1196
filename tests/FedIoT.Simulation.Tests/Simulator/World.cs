using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Simulation;

/// <summary>
/// Whole nodes, network and time on one seeded scheduler. The same seed gives the same run; a broken invariant throws
/// <see cref="SimulationException"/>.
/// </summary>
internal sealed class World
{
    public const string ChainId = "simulated";
    private const long LivenessMsMax = 60_000;
    private const int OperatorMs = 2_000; // between two looks at the status
    private const int HeightsAfterHealing = 3;
    private const int EventsMax = 5_000_000; // of a run: who answers answers never ends

    private readonly PriorityQueue<Action, (long Time, long Sequence)> queue = new();
    private readonly List<Client> clients = [];
    private SplitMix64 random;
    private long sequence;
    private long partition; // bit i: on which side node i is
    private ulong trace;
    private int events;

    public World(Scenario scenario)
    {
        Scenario = scenario;
        random = SplitMix64.For(scenario.Seed, 2);
        IReadOnlyList<SimulatedSigner> signers = SimulatedSigner.All;
        Genesis = new Genesis(
            ChainId,
            scenario.Powers.Select((p, i) => new GenesisValidator(signers[i].PublicKey, p)),
            Enumerable.Range(0, scenario.Powers.Count + scenario.Joiners).Select(i => signers[i].PublicKey),
            [signers[0].PublicKey]);
        Options = MakeOptions(Genesis, hasProductTimeouts: scenario.LinkMs is not null);
        Record = new WorldRecord(this);
        for (int key = 0; key < scenario.Powers.Count + scenario.Joiners; key++)
        {
            Attack? attack = key < scenario.Attacks.Count ? scenario.Attacks[key] : null;
            Nodes.Add(new SimulatedNode(this, Nodes.Count, key, attack));
            if (attack == Attack.Twins)
            {
                Nodes.Add(new SimulatedNode(this, Nodes.Count, key, attack));
            }
        }
    }

    public Scenario Scenario { get; }

    public Genesis Genesis { get; }

    public ChainNodeOptions Options { get; }

    public List<SimulatedNode> Nodes { get; } = [];

    public VerifiedSignatures Verified { get; } = new();

    public WorldRecord Record { get; }

    public long NowMs { get; private set; }

    public bool IsHealed => NowMs >= Scenario.HealsAtMs;

    /// <summary>Depends on every event of the run: equal for two runs of a seed.</summary>
    public ulong Fingerprint => trace;

    public IEnumerable<SimulatedNode> Honest => Nodes.Where(n => n.IsHonest);

    /// <summary>Runs until faults have ended, every honest node has moved on and every transaction is in.</summary>
    public void Run()
    {
        Nodes.ForEach(n => n.Start());
        ScheduleFaults();
        clients.AddRange(Honest.Select(n => new Client(this, n)));
        clients.ForEach(c => c.Start());
        RunUntil(Scenario.HealsAtMs);
        Heal();
        long target = Honest.Max(n => n.HighestCommitted) + HeightsAfterHealing;
        while (Honest.Any(n => n.HighestCommitted < target) || clients.Any(c => c.IsWaiting))
        {
            Check(
                NowMs < Scenario.HealsAtMs + LivenessMsMax,
                () => $"no height {target} with all transactions: {string.Join("; ", Nodes.Select(n => n.Where))}");
            RunUntil(NowMs + 100);
        }

        Record.CheckEnd();
    }

    /// <summary>True for one honest node that the others can do without: less than a third stays Byzantine. Who lost
    /// its disk is silent for a while already.</summary>
    public bool MayRevoke(SimulatedNode node) => Scenario is { HasKeyChanges: true, WipedAtMs: 0 }
        && Scenario.Seed % 2 == 1
        && node == Honest.Last(n => n.Key < Scenario.Powers.Count) && Honest.Count() > 1
        && Scenario.Powers.Take(Scenario.Attacks.Count).Sum() * 3 < Scenario.TotalPower - Scenario.Powers[node.Key];

    /// <summary>Runs without faults, clients or an end to wait for: a measurement.</summary>
    public void RunFor(long milliseconds)
    {
        Nodes.ForEach(n => n.Start());
        events = 0;
        RunUntil(NowMs + milliseconds);
    }

    public int Random(int bound) => random.Next(bound);

    public ulong Next() => random.Next();

    public void At(long delayMs, Action action) => queue.Enqueue(action, (NowMs + delayMs, sequence++));

    /// <summary>Throws with all that is needed to see it again.</summary>
    public void Check(bool condition, Func<string> message)
    {
        if (!condition)
        {
            throw new SimulationException($"seed {Scenario.Seed} at {NowMs} ms: {message()} [{Scenario}]");
        }
    }

    /// <summary>Brings a frame to another node, or not.</summary>
    public void Transmit(SimulatedNode from, SimulatedNode to, Frame frame)
    {
        if (IsCut(from, to) || (!IsHealed && Random(1_000) < Scenario.LossPerMille))
        {
            return;
        }

        int copies = !IsHealed && Random(1_000) < Scenario.DuplicatesPerMille ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = Scenario.LinkMs ?? 1 + Random(IsHealed ? 40 : Scenario.DelayMsMax);
            At(delay, () => to.Receive(from, frame));
        }
    }

    /// <summary>A node is up: its peers connect to it.</summary>
    public void Connect(SimulatedNode node) => Nodes.ForEach(n => Connect(n, node));

    public void RestartLater(SimulatedNode node)
    {
        At(IsHealed ? 10 : 50 + Random(1_500), node.Start);
    }

    private static ChainNodeOptions MakeOptions(Genesis genesis, bool hasProductTimeouts) => new()
    {
        ChainId = ChainId,
        StateDirectory = "/",
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Validators = [.. genesis.Validators.Select(v => new Validator(v.Key, v.Power))],
        Timeouts = hasProductTimeouts ? new ConsensusTimeouts() : new ConsensusTimeouts
        {
            Propose = TimeSpan.FromMilliseconds(250),
            Prevote = TimeSpan.FromMilliseconds(100),
            Precommit = TimeSpan.FromMilliseconds(100),
            RoundStep = TimeSpan.FromMilliseconds(100),
            MinimumBlockInterval = TimeSpan.FromMilliseconds(100),
            IdleInterval = TimeSpan.FromMilliseconds(600),
        },
        StallInterval = TimeSpan.FromMilliseconds(hasProductTimeouts ? 500 : 300),
        WatchMin = TimeSpan.FromSeconds(4), // clocks are at most one second off where this matters
    };

    private void Connect(SimulatedNode a, SimulatedNode b)
    {
        if (a.Account != b.Account && a.IsUp && b.IsUp && !IsCut(a, b))
        {
            At(5 + Random(50), () => a.OnConnected(b));
            At(5 + Random(50), () => b.OnConnected(a));
        }
    }

    private bool IsCut(SimulatedNode a, SimulatedNode b) =>
        !IsHealed && ((partition >> a.Id) & 1) != ((partition >> b.Id) & 1);

    private void RunUntil(long end)
    {
        while (queue.TryPeek(out _, out (long Time, long Sequence) next) && next.Time <= end)
        {
            NowMs = next.Time;
            trace = unchecked((trace * 31) + (ulong)next.Time + (ulong)sequence);
            queue.Dequeue()();
            Check(++events < EventsMax, () => "it does not end: somebody answers answers");
        }

        NowMs = end;
    }

    private void Heal()
    {
        partition = 0;
        foreach (SimulatedNode node in Nodes)
        {
            node.Clock.SkewMs = Random(2_000) - 1_000;
            node.Disk.IsFull = false;
            node.Disk.FailAt = node.Disk.CutAt = 0;
            node.Start();
        }

        for (int i = 0; i < Nodes.Count; i++)
        {
            for (int k = i + 1; k < Nodes.Count; k++)
            {
                Connect(Nodes[i], Nodes[k]);
            }
        }
    }

    private void ScheduleFaults()
    {
        Repeat(Scenario.HasPartitions, 300, 1_500, () =>
        {
            partition = Random(3) == 0 ? 0 : (long)(Next() & 0xFFFFF);
            foreach (SimulatedNode node in Nodes)
            {
                Connect(node); // whoever can be reached now is connected again
            }
        });
        Repeat(Scenario.HasCrashes, 200, 1_200, () => Crash(Nodes[Random(Nodes.Count)]));
        Repeat(Scenario.HasDiskFaults, 400, 2_000, () =>
        {
            SimulatedDisk disk = Nodes[Random(Nodes.Count)].Disk;
            disk.FailAt = Random(2) == 0 ? disk.Operations + 1 + Random(8) : disk.FailAt;
            disk.IsFull = disk.FailAt <= disk.Operations;
        });
        Repeat(Scenario.HasClockFaults, 400, 1_500, () =>
            Nodes[Random(Nodes.Count)].Clock.SkewMs = Random(400_000) - 200_000);
        if (Scenario.WipedAtMs > 0)
        {
            At(Scenario.WipedAtMs, LoseDisk);
        }

        if (Scenario.HasCrashes && Random(3) == 0)
        {
            At(1_000 + Random(2_000), () => Nodes.ForEach(Crash)); // a power cut for all at once
        }
    }

    // Where the others have no block either, a lost folder cannot be told from a new one (docs/spec/consensus.md §9,
    // "What is left").
    private void LoseDisk()
    {
        if (Record.NewestDecided is not { } newest || Honest.Any(n => n.HighestCommitted == 0))
        {
            At(100, LoseDisk);
            return;
        }

        Nodes.Last(n => n.Key == Scenario.Powers.Count - 2).Wipe(Scenario.SnapshotBlocks > 0 ? newest : null);
        At(OperatorMs, LookAfterJoiner);
    }

    // Too many validators changed their keys since the trusted block: nobody can prove a newer snapshot from it. The
    // operator reads so in the status, and names a newer one.
    private void LookAfterJoiner()
    {
        Nodes.FindAll(n => n.Core?.JoinState?.Contains("name a newer block", StringComparison.Ordinal) == true)
            .ForEach(n => n.Trust(Record.NewestDecided!));
        At(OperatorMs, LookAfterJoiner);
    }

    private void Crash(SimulatedNode node)
    {
        if (!node.IsUp)
        {
            return;
        }

        if (Random(2) == 0)
        {
            node.Disk.CutAt = node.Disk.Operations + 1 + Random(6); // in the middle of what it does next
            node.Disk.IsCutAfter = Random(2) == 0;
        }
        else
        {
            node.Crash(isPowerCut: Random(2) == 0);
            RestartLater(node);
        }
    }

    private void Repeat(bool isWanted, int minimumMs, int spreadMs, Action action)
    {
        for (long at = minimumMs; isWanted && at < Scenario.HealsAtMs; at += minimumMs + Random(spreadMs))
        {
            At(at, action);
        }
    }
}
