using FedIoT.Consensus;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Whether this node may sign. The guard remembers what this state folder signed; the gate sees to what it cannot
/// know: that the folder is an older copy or was lost, or that another process has the same key. It is closed until the
/// node has heard where the others are and is there too; and again when a signature of the own key turns up that the
/// folder does not know, until every height that could have been signed elsewhere is over.
/// </summary>
/// <remarks>
/// Owned by the node's task; <see cref="Reason"/> may be read by anybody. docs/spec/consensus.md §9b has the argument.
/// </remarks>
internal sealed partial class VotingGate
{
    // In a second, peers that are connected have sent what they have of this height, the own votes among it.
    private const int QuietTicks = 2;

    private readonly bool isAlwaysOpen;
    private readonly NodeSigners signers;
    private readonly TimeSpan watchMin;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SortedDictionary<AccountId, Height> heard = [];
    private (long Timestamp, long WallMs)? watchingSince; // null while nothing unknown has turned up
    private Height? stoodAt; // the others' height when this node was there for the first time
    private int ticks; // since then
    private volatile string? reason;

    public VotingGate(ChainNodeOptions options, NodeSigners signers, TimeProvider time, ILogger logger)
    {
        isAlwaysOpen = options.VotesAtOnce;
        this.signers = signers;
        this.time = time;
        this.logger = logger;
        watchMin = options.WatchMin;
        reason = isAlwaysOpen ? null : "waits until it knows where two thirds of the validators are";
    }

    /// <summary>True when signatures may be given.</summary>
    public bool IsOpen => reason is null;

    /// <summary>Why not, a sentence without a subject; null when it is open.</summary>
    public string? Reason => reason;

    /// <summary>A peer said where its chain ends.</summary>
    public void OnStatus(AccountId peer, Height height) => heard[peer] = height;

    /// <summary>A vote or proposal came from outside.</summary>
    public void OnMessage(ConsensusEvent message)
    {
        switch (message)
        {
            case ConsensusEvent.VoteReceived { Vote.Vote: var vote } when signers.IsOwn(vote.Validator):
                ConsensusStep step = vote.Type == VoteType.Prevote ? ConsensusStep.Prevote : ConsensusStep.Precommit;
                if (!Knows(vote.Validator, vote.Height, r => r.Round == vote.Round && r.Step == step
                    && r.BlockHash == vote.BlockHash))
                {
                    Watch($"a vote at height {vote.Height}");
                }

                break;
            case ConsensusEvent.ProposalReceived { Proposal.Proposal: var proposal }
                when signers.IsOwn(proposal.Proposer):
                if (!Knows(proposal.Proposer, proposal.Height, r => r.Round == proposal.Round
                    && r.Step == ConsensusStep.Propose && r.BlockHash == proposal.BlockHash))
                {
                    Watch($"a proposal at height {proposal.Height}");
                }

                break;
            default:
                break; // somebody else's
        }
    }

    /// <summary>A block was committed.</summary>
    /// <param name="block">The block.</param>
    /// <param name="commit">Its commit.</param>
    /// <param name="validators">The set of its height.</param>
    public void OnCommitted(Block block, Commit commit, ValidatorSet validators)
    {
        Height height = block.Header.Height;
        IEnumerable<AccountId> signed = commit.Signatures.Select(s => validators[s.ValidatorIndex].Account)
            .Append(block.Header.Proposer).Where(signers.IsOwn).Distinct();
        if (signed.Any(key => !Knows(key, height, _ => true)))
        {
            Watch($"its part in block {height}");
        }

        // Honest validators refuse a block whose time is more than the skew ahead: this one was decided after the
        // watch began, so whatever was signed elsewhere before is of its height or below.
        if (watchingSince is { } since && time.GetElapsedTime(since.Timestamp) >= watchMin
            && block.Header.Time >= since.WallMs + (long)watchMin.TotalMilliseconds)
        {
            watchingSince = null;
            Log.WatchEnds(logger, height);
        }
    }

    /// <summary>The chain's beginning was taken from others: what this key signed in it is not known.</summary>
    public void OnJoined(Height height)
    {
        if (signers.Last is not { } last || last.Height < height)
        {
            Watch($"whatever it signed up to height {height}, where this folder joined by a snapshot");
        }
    }

    /// <summary>Looks whether the gate may open now. Closes it only when something unknown turned up.</summary>
    /// <param name="head">The last block here.</param>
    /// <param name="validators">Who decides the next one.</param>
    /// <param name="isTick">Whether a stall interval is over.</param>
    /// <returns>True when it has just opened.</returns>
    public bool TryOpen(Height head, ValidatorSet validators, bool isTick)
    {
        if (watchingSince is not null || reason is null || isAlwaysOpen)
        {
            return false;
        }

        long power = signers.PowerIn(validators);
        bool isAlone = validators.IsQuorum(power);
        var known = new List<(Height Height, long Power)> { (head, power) };
        foreach ((AccountId peer, Height height) in heard)
        {
            known.Add((height, PowerOf(peer, validators)));
            power += known[^1].Power;
        }

        if (!validators.IsQuorum(power))
        {
            return false;
        }

        // More than a third say that they are there or beyond: an honest one is, and its blocks can be had.
        long above = 0;
        Height reached = known.OrderByDescending(k => k.Height.Value)
            .First(k => validators.HasHonestMember(above += k.Power)).Height;
        if (head < reached)
        {
            reason = $"catches up with the others, who are at height {reached}";
            return false;
        }

        stoodAt ??= reached;
        ticks += isTick ? 1 : 0;
        if (!isAlone && stoodAt > Height.Genesis && head <= stoodAt && ticks < QuietTicks)
        {
            reason = "listens whether others know votes of it that it does not";
            return false;
        }

        reason = null;
        return true;
    }

    private static long PowerOf(AccountId account, ValidatorSet validators)
    {
        int index = validators.IndexOf(account);
        return index < 0 ? 0 : validators[index].Power;
    }

    // Of heights below the last one nothing is kept, and nothing can be signed any more.
    private bool Knows(AccountId key, Height height, Func<SignRecord, bool> isIt) =>
        signers.Last is { } last
        && (last.Height > height || (last.Height == height && signers.SignedAt(key, height).Any(isIt)));

    private void Watch(string what)
    {
        if (isAlwaysOpen)
        {
            return;
        }

        if (watchingSince is null)
        {
            Log.Unknown(logger, what);
        }

        watchingSince = (time.GetTimestamp(), time.GetUtcNow().ToUnixTimeMilliseconds());
        reason = $"does not vote for now: its key signed what this state folder does not know ({what}); the folder was "
            + "restored or replaced, or another process has the key";
    }

    private static partial class Log
    {
        [LoggerMessage(
            2401, LogLevel.Error,
            "The own key signed what this state folder does not know: {What}. The folder was restored or replaced, or "
            + "another process has the key. Nothing is signed until the heights concerned are over.")]
        public static partial void Unknown(ILogger logger, string what);

        [LoggerMessage(2402, LogLevel.Information, "Voting again behind height {Height}.")]
        public static partial void WatchEnds(ILogger logger, Height height);
    }
}
