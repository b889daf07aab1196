using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Ledger;
using FedIoT.Wire;

namespace FedIoT.Simulation;

/// <summary>
/// What happened anywhere, and the invariants over it. Quorum, proposer and lock rule are computed here once more from
/// the specification, not with the product's code.
/// </summary>
internal sealed class WorldRecord(World world)
{
    private readonly Dictionary<long, (Hash256 Block, Hash256 Root)> decided = [];
    private readonly Dictionary<(AccountId, long, int, int), Hash256> honestSignatures = [];
    private readonly Dictionary<(AccountId, long), (int Round, Hash256 Hash)> locks = [];
    private readonly Dictionary<(long, int, Hash256), HashSet<AccountId>> prevotes = [];
    private readonly Dictionary<(long, int), HashSet<Hash256>> proposals = [];
    private readonly Dictionary<long, List<Hash256>> blocks = [];
    private readonly Dictionary<long, SortedDictionary<AccountId, long>> powers = [];
    private readonly HashSet<Hash256> verifiedCommits = [];
    private readonly Dictionary<string, List<AccountId>> schedules = [];

    /// <summary>Blocks that honest nodes decided.</summary>
    public int DecidedCount => decided.Count;

    /// <summary>The highest block that an honest node decided; null for none.</summary>
    public TrustedBlock? NewestDecided => decided.Count == 0
        ? null
        : new TrustedBlock(new Height(decided.Keys.Max()), decided[decided.Keys.Max()].Block);

    /// <summary>Nodes that lost their disk and went on from a snapshot.</summary>
    public int JoinedCount { get; private set; }

    /// <summary>Validators that were struck for equivocation.</summary>
    public int StruckCount => world.Honest.First().Application!.Committed.Faults.Count;

    /// <summary>Changes of node keys, and keys that were revoked.</summary>
    public (int Changed, int Revoked) KeysEnded
    {
        get
        {
            LedgerState state = world.Honest.First().Application!.Committed;
            return (state.Accounts.Values.Sum(a => a.Rotations), state.Accounts.Values.Count(a => a.IsRevoked));
        }
    }

    /// <summary>Heights whose validators are not those of the height before.</summary>
    public int SetChanges => powers.Keys.Count(h => h > 2 && powers.TryGetValue(h - 1, out var before)
        && !before.SequenceEqual(powers[h]));

    /// <summary>Hash of some block proposed at a height; null when none was.</summary>
    public Hash256? AnyBlock(Height height, int round) =>
        blocks.TryGetValue(height.Value, out List<Hash256>? known)
            ? known[(int)((height.Value + round) % known.Count)]
            : null;

    /// <summary>Somebody proposed.</summary>
    public void OnProposal(SignedProposal proposal)
    {
        Proposal p = proposal.Proposal;
        if (ProposerOf(p.Height, p.Round) == p.Proposer)
        {
            GetOrAdd(proposals, (p.Height.Value, p.Round)).Add(p.BlockHash);
        }

        List<Hash256> known = GetOrAdd(blocks, p.Height.Value);
        if (!known.Contains(p.BlockHash))
        {
            known.Add(p.BlockHash);
        }
    }

    /// <summary>A Byzantine vote left.</summary>
    public void OnByzantineVote(SignedVote vote) => AddPrevote(vote.Vote);

    /// <summary>A signature was given and is about to leave.</summary>
    public void OnSigned(SimulatedNode node, ConsensusEvent signed)
    {
        if (signed is ConsensusEvent.ProposalSigned { Proposal: { } proposal })
        {
            if (node.IsHonest)
            {
                Proposal p = proposal.Proposal;
                world.Check(
                    ProposerOf(p.Height, p.Round) == p.Proposer && IsOwn(node, p.Proposer),
                    () => $"node {node.Id} proposes at {p.Height}/{p.Round}, where it is not the proposer");
                CheckSignedOnce(node, p.Height, p.Round, 0, p.BlockHash);
            }

            OnProposal(proposal);
        }
        else if (signed is ConsensusEvent.VoteSigned { Vote: { } vote } && node.IsHonest)
        {
            world.Check(
                IsOwn(node, vote.Vote.Validator), () => $"node {node.Id} votes as somebody else at {vote.Vote.Height}");
            CheckSignedOnce(node, vote.Vote.Height, vote.Vote.Round, (int)vote.Vote.Type, vote.Vote.BlockHash);
            CheckHonestVote(node, vote.Vote);
            AddPrevote(vote.Vote);
        }
    }

    /// <summary>A node executed a block, now or again at its start.</summary>
    public void OnCommitted(SimulatedNode node, CommittedBlock block)
    {
        if (!node.IsHonest)
        {
            return;
        }

        long height = block.Height.Value;
        var entry = (block.BlockHash, block.StateRoot);
        world.Check(
            decided.TryAdd(height, entry) || decided[height] == entry,
            () => $"node {node.Id} has another block or state root at height {height}");
        CheckSets(node, height);
        if (!block.IsReplayed)
        {
            bool hasJoined = node.HighestCommitted == 0 && height > 1 && node.Store!.First.Value == height - 1;
            JoinedCount += hasJoined ? 1 : 0;
            world.Check(
                height == node.HighestCommitted + 1 || hasJoined,
                () => $"node {node.Id} decided height {height} after {node.HighestCommitted}");
            node.HighestCommitted = height;
            CheckBlock(node, block);
        }
    }

    /// <summary>A node has replayed its disk.</summary>
    public void OnStarted(SimulatedNode node)
    {
        if (node.IsHonest)
        {
            long height = node.Core!.Executor.Head.Height.Value;
            world.Check(
                height >= node.HighestCommitted,
                () => $"node {node.Id} lost committed blocks: {height} of {node.HighestCommitted} are left");
            node.HighestCommitted = height; // a stored commit may not have been executed before
            if (height > 0)
            {
                var entry = (node.Core.Executor.Head.BlockHash, node.Core.Executor.Head.StateRoot);
                world.Check(
                    decided.TryAdd(height, entry) || decided[height] == entry,
                    () => $"node {node.Id} starts with another block or state root at height {height}");
                CheckSets(node, height); // it may have died right behind a snapshot that it starts from now
            }

            foreach (SignRecord signed in node.SignStates.SelectMany(s => s.At(new Height(height + 1))))
            {
                OnRestored(node, signed); // it may have died between writing and sending
            }
        }
    }

    /// <summary>After the run: nobody honest was struck, nobody twice.</summary>
    public void CheckEnd()
    {
        foreach (SimulatedNode node in world.Honest)
        {
            LedgerState state = node.Application!.Committed;
            foreach (Fault fault in state.Faults)
            {
                int key = world.Nodes.First(n => n.Account == fault.Account).Key;
                world.Check(
                    key < world.Scenario.Attacks.Count,
                    () => $"the honest validator {key} was struck for {fault.Kind}");
                world.Check(
                    state.Faults.Count(f => f.Account == fault.Account) == 1,
                    () => $"validator {key} was struck twice");
            }
        }
    }

    private void OnRestored(SimulatedNode node, SignRecord signed)
    {
        int step = signed.Step == ConsensusStep.Propose ? 0 : (int)signed.Step - 1;
        CheckSignedOnce(node, signed.Height, signed.Round, step, signed.BlockHash);
        if (signed.ToVote() is { } vote)
        {
            CheckHonestVote(node, vote.Vote);
            AddPrevote(vote.Vote);
        }
    }

    private static bool IsOwn(SimulatedNode node, AccountId key) => node.Keys.Any(k => k.PublicKey.Account == key);

    private static TValue GetOrAdd<TKey, TValue>(Dictionary<TKey, TValue> map, TKey key)
        where TKey : notnull
        where TValue : new()
    {
        if (!map.TryGetValue(key, out TValue? value))
        {
            map.Add(key, value = new TValue());
        }

        return value;
    }

    private void CheckSignedOnce(SimulatedNode node, Height height, int round, int step, Hash256 hash)
    {
        var key = (node.Account, height.Value, round, step);
        world.Check(
            honestSignatures.TryAdd(key, hash) || honestSignatures[key] == hash,
            () => $"node {node.Id} signed two messages at {height}/{round}/{step}");
    }

    // Who is locked prevotes another block only behind a newer proof; who prevotes a block has seen its proposal.
    private void CheckHonestVote(SimulatedNode node, Vote vote)
    {
        if (vote.BlockHash.IsZero)
        {
            return;
        }

        if (vote.Type == VoteType.Precommit)
        {
            world.Check(
                IsQuorum(vote.Height, PrevotersOf(vote.Height.Value, vote.Round, vote.BlockHash)),
                () => $"node {node.Id} precommits at {vote.Height}/{vote.Round} without two thirds of the prevotes");
            locks[(node.Account, vote.Height.Value)] = (vote.Round, vote.BlockHash);
            return;
        }

        world.Check(
            proposals.TryGetValue((vote.Height.Value, vote.Round), out HashSet<Hash256>? proposed)
            && proposed.Contains(vote.BlockHash),
            () => $"node {node.Id} prevotes what the proposer of {vote.Height}/{vote.Round} did not propose");
        if (locks.TryGetValue((node.Account, vote.Height.Value), out (int Round, Hash256 Hash) held)
            && held.Round < vote.Round && held.Hash != vote.BlockHash)
        {
            bool isFree = Enumerable.Range(held.Round, vote.Round - held.Round)
                .Any(r => IsQuorum(vote.Height, PrevotersOf(vote.Height.Value, r, vote.BlockHash)));
            world.Check(isFree, () => $"node {node.Id} prevotes at {vote.Height}/{vote.Round} against its lock");
        }
    }

    private HashSet<AccountId> PrevotersOf(long height, int round, Hash256 hash) =>
        prevotes.TryGetValue((height, round, hash), out HashSet<AccountId>? voters) ? voters : [];

    private void AddPrevote(Vote vote)
    {
        if (vote.Type == VoteType.Prevote)
        {
            GetOrAdd(prevotes, (vote.Height.Value, vote.Round, vote.BlockHash)).Add(vote.Validator);
        }
    }

    // What the ledger says after a block is the set two heights later.
    private void CheckSets(SimulatedNode node, long height)
    {
        LedgerState state = node.Application!.Committed;
        var wanted = new SortedDictionary<AccountId, long>(
            state.Accounts.Values.Where(a => a.Power > 0).ToDictionary(a => a.Key.Account, a => a.Power));
        powers.TryAdd(height + 2, wanted);
        ValidatorSet set = node.Core!.Executor.Validators.Next;
        world.Check(
            set.Members.Select(m => (m.Account, m.Power)).SequenceEqual(wanted.Select(p => (p.Key, p.Value))),
            () => $"node {node.Id}: the set of height {height + 2} is not what the ledger says");
    }

    private void CheckBlock(SimulatedNode node, CommittedBlock committed)
    {
        (Block block, Commit commit) = node.Store!.Read(committed.Height);
        if (!verifiedCommits.Add(commit.Hash))
        {
            return;
        }

        Height height = committed.Height;
        Hash256 previous = height.Value == 1 ? Hash256.Zero : decided[height.Value - 1].Block;
        world.Check(
            block.Hash == committed.BlockHash && commit.BlockHash == block.Hash && commit.Height == height
            && block.Header.PreviousBlockHash == previous
            && (height.Value == 1 || block.Header.StateRoot == decided[height.Value - 1].Root)
            && block.Transactions.All(t => t.Span[0] != 255),
            () => $"node {node.Id} decided an invalid block at height {height}");
        ValidatorSet set = height.Value <= 2
            ? new ValidatorSet(world.Options.Validators)
            : new ValidatorSet(PowersAt(height).Select(p =>
                new Validator(SimulatedSigner.Find(p.Key).PublicKey, p.Value)));
        var voters = commit.Signatures.Select(s => set[s.ValidatorIndex].Account).ToHashSet();
        world.Check(IsQuorum(height, voters), () => $"the commit of height {height} has too little power");
        foreach (CommitSignature signature in commit.Signatures)
        {
            Validator voter = set[signature.ValidatorIndex];
            var vote = new Vote(VoteType.Precommit, height, commit.Round, block.Hash, voter.Account);
            world.Check(
                world.Verified.Verify(voter.Key, vote.SignBytes(World.ChainId, voter.Key), signature.Signature.Span),
                () => $"the commit of height {height} has a bad signature");
        }
    }

    private SortedDictionary<AccountId, long> PowersAt(Height height)
    {
        if (!powers.TryGetValue(height.Value, out SortedDictionary<AccountId, long>? known))
        {
            known = new SortedDictionary<AccountId, long>(
                world.Genesis.Validators.ToDictionary(v => v.Key.Account, v => v.Power));
            powers.Add(height.Value, known);
        }

        return known;
    }

    private bool IsQuorum(Height height, HashSet<AccountId> voters)
    {
        SortedDictionary<AccountId, long> all = PowersAt(height);
        return voters.Sum(v => all.GetValueOrDefault(v)) * 3 > all.Values.Sum() * 2;
    }

    // §5 "Proposer": everybody gains its power, the first one with the most pays the total.
    private AccountId ProposerOf(Height height, int round)
    {
        SortedDictionary<AccountId, long> all = PowersAt(height);
        string name = string.Join(',', all.Select(p => $"{p.Key}{p.Value}"));
        if (!schedules.TryGetValue(name, out List<AccountId>? turns))
        {
            schedules.Add(name, turns = []);
            var owed = all.ToDictionary(p => p.Key, _ => 0L);
            long divisor = all.Values.Aggregate((a, b) => (long)System.Numerics.BigInteger.GreatestCommonDivisor(a, b));
            long total = all.Values.Sum() / divisor;
            for (long i = 0; i < total; i++)
            {
                foreach ((AccountId account, long power) in all)
                {
                    owed[account] += power / divisor;
                }

                AccountId next = all.Keys.First(a => owed[a] == owed.Values.Max());
                owed[next] -= total;
                turns.Add(next);
            }
        }

        return turns[(int)((height.Value + round) % turns.Count)];
    }
}
