using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests.Simulation;

/// <summary>
/// Nodes, network and time on one seeded scheduler. The invariants are checked at every event that could break
/// them; a failure names the seed, and the same seed fails the same way.
/// </summary>
internal sealed class ConsensusSimulation
{
    private static readonly Dictionary<int, TestChain> KeysByCount = new() { [4] = new(4), [7] = new(7) };

    private readonly PriorityQueue<Action, (long Time, long Sequence)> queue = new();
    private readonly Dictionary<long, Hash256> decided = [];
    private readonly HashSet<Hash256> verified = [];
    private readonly Dictionary<(int Node, long Height, int Round, VoteType Type), Hash256> honestVotes = [];
    private readonly Dictionary<long, List<Hash256>> builtHashes = [];
    private readonly List<SimulatedNode> nodes = [];
    private readonly ulong seed;
    private SplitMix64 random;
    private long sequence;
    private long partition; // bit i: on which side node i is

    public ConsensusSimulation(ulong seed, Faults faults)
    {
        this.seed = seed;
        Faults = faults;
        random = new SplitMix64(seed);
        Keys = KeysByCount[faults.Validators];
        for (int key = 0; key < faults.Validators; key++)
        {
            bool isByzantine = key < faults.ByzantineCount;
            nodes.Add(new SimulatedNode(this, nodes.Count, key, isByzantine ? faults.Byzantine : null));
            if (isByzantine && faults.Byzantine == Byzantine.Twins)
            {
                nodes.Add(new SimulatedNode(this, nodes.Count, key, Byzantine.Twins));
            }
        }
    }

    public Faults Faults { get; }

    public TestChain Keys { get; }

    public long Now { get; private set; }

    public bool IsHealed => Now >= Faults.HealsAtMs;

    public int EvidenceCount { get; private set; }

    public ConsensusTimeouts Timeouts { get; } = new()
    {
        Propose = TimeSpan.FromMilliseconds(300),
        Prevote = TimeSpan.FromMilliseconds(100),
        Precommit = TimeSpan.FromMilliseconds(100),
        RoundStep = TimeSpan.FromMilliseconds(100),
        MinimumBlockInterval = TimeSpan.FromMilliseconds(100),
        IdleInterval = TimeSpan.FromMilliseconds(500),
    };

    /// <summary>Runs until faults have ended and every honest node has decided three heights more.</summary>
    /// <returns>The height that all honest nodes have reached.</returns>
    public long Run()
    {
        nodes.ForEach(n => n.Start());
        ScheduleFaults();
        RunUntil(Faults.HealsAtMs);
        long target = nodes.Where(n => n.IsHonest).Max(n => n.Chain.Count) + 3;
        while (nodes.Any(n => n.IsHonest && n.Chain.Count < target))
        {
            Check(
                Now < Faults.HealsAtMs + 60_000,
                $"no height {target}: {string.Join("; ", nodes.Select(n => n.Where))}");
            RunUntil(Now + 500);
        }

        return target;
    }

    public int Random(int bound) => random.Next(bound);

    public void At(long delayMs, Action action) => queue.Enqueue(action, (Now + delayMs, sequence++));

    public IEnumerable<SimulatedNode> Peers(SimulatedNode sender, AccountId? receiver) => nodes.Where(
        n => n.Id != sender.Id && n.Key != sender.Key && (receiver is null || Keys.Account(n.Key) == receiver));

    public void Transmit(SimulatedNode from, SimulatedNode to, ConsensusEvent message)
    {
        bool isCut = !IsHealed && ((partition >> from.Id) & 1) != ((partition >> to.Id) & 1);
        if (isCut || (!IsHealed && Random(1_000) < Faults.LossPerMille))
        {
            return;
        }

        int copies = !IsHealed && Random(1_000) < Faults.DuplicatesPerMille ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            At(1 + Random(IsHealed ? 50 : Faults.DelayMsMax), () => to.Handle(message));
        }
    }

    public void RequestSync(SimulatedNode node)
    {
        SimulatedNode peer = nodes[Random(nodes.Count)];
        bool isCut = !IsHealed && ((partition >> node.Id) & 1) != ((partition >> peer.Id) & 1);
        if (peer.IsHonest && peer.IsUp && !isCut && peer.Chain.Count > node.Chain.Count)
        {
            (Block block, Commit commit) = peer.Chain[node.Chain.Count];
            At(1 + Random(Faults.DelayMsMax), () => node.TakeSynced(block, commit));
        }
    }

    public void OnBuilt(Block block)
    {
        long height = block.Header.Height.Value;
        builtHashes.TryAdd(height, []);
        builtHashes[height].Add(block.Hash);
    }

    public Hash256 AnyHash(Height height) =>
        builtHashes.TryGetValue(height.Value, out List<Hash256>? hashes) && Random(4) > 0
            ? hashes[Random(hashes.Count)]
            : Hash256.Of(BitConverter.GetBytes(random.Next()));

    public void OnSigned(SimulatedNode node, Vote vote)
    {
        if (node.IsHonest)
        {
            var step = (node.Id, vote.Height.Value, vote.Round, vote.Type);
            Check(
                honestVotes.TryAdd(step, vote.BlockHash) || honestVotes[step] == vote.BlockHash,
                $"node {node.Id} signed twice at {vote.Height}/{vote.Round}/{vote.Type}");
        }
    }

    public void OnCommitted(SimulatedNode node, Block block, Commit commit)
    {
        if (!node.IsHonest)
        {
            return;
        }

        long height = block.Header.Height.Value;
        Check(
            decided.TryAdd(height, block.Hash) || decided[height] == block.Hash,
            $"node {node.Id} decided another block at height {height}");
        Check(node.Chain.Count == height && commit.BlockHash == block.Hash, $"node {node.Id} skipped a height");
        Check(!IsInvalid(block), $"node {node.Id} decided an invalid block at height {height}");
        if (verified.Add(commit.Hash))
        {
            Check(
                CommitVerifier.Verify(TestChain.Id, Keys.Validators, commit) == CommitVerdict.Valid,
                $"node {node.Id} has a bad commit at height {height}");
        }
    }

    public void OnEvidence(SimulatedNode node, Equivocation evidence)
    {
        EvidenceCount++;
        int culprit = Keys.Validators.IndexOf(evidence.Validator);
        Check(culprit < Faults.ByzantineCount, $"node {node.Id} accused the honest validator {culprit}");
        Check(evidence.Verify(TestChain.Id, Keys.Validators), $"node {node.Id} made evidence that proves nothing");
    }

    public static bool IsInvalid(Block block) =>
        block.Transactions[0].Span.StartsWith(System.Text.Encoding.UTF8.GetBytes(SimulatedNode.InvalidContent));

    private void RunUntil(long end)
    {
        while (queue.TryPeek(out _, out (long Time, long Sequence) next) && next.Time <= end)
        {
            Now = next.Time;
            queue.Dequeue()();
        }

        Now = end;
    }

    private void ScheduleFaults()
    {
        for (long at = 300; Faults.Partitions && at < Faults.HealsAtMs; at += 300 + Random(1_500))
        {
            long sides = Random(3) == 0 ? 0 : (long)(random.Next() & 0xFFFF);
            At(at, () => partition = sides);
        }

        for (long at = 200; Faults.Crashes && at < Faults.HealsAtMs - 3_000; at += 200 + Random(1_500))
        {
            SimulatedNode node = nodes[Random(nodes.Count)];
            long back = Math.Min(at + 20 + Random(2_500), Faults.HealsAtMs);
            At(at, node.Crash);
            At(back, () =>
            {
                if (!node.IsUp)
                {
                    node.Start();
                }
            });
        }

        // A power cut for all at once, somewhere in the middle.
        if (Faults.Crashes && Random(3) == 0)
        {
            long at = 1_000 + Random(4_000);
            At(at, () => nodes.ForEach(n => n.Crash()));
            At(at + 500, () => nodes.Where(n => !n.IsUp).ToList().ForEach(n => n.Start()));
        }
    }

    private void Check(bool condition, string message) =>
        Assert.True(condition, $"seed {seed}, {Faults}, at {Now} ms: {message}");
}
