using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Keeps a started node from signing what it may have signed in an earlier life. A node whose folder was put back to
/// an earlier day, or lost, does not know its last signatures; its peers know how far the chain is, and its votes.
/// docs/spec/consensus.md §9 "Coming back". One task calls it.
/// </summary>
/// <param name="self">Account of the node key.</param>
internal sealed class RejoinGuard(AccountId self)
{
    // In a second, peers that are connected have sent what they have of this height, the own votes among it.
    private const int QuietTicks = 2;

    // Nobody delivered the blocks of a height that somebody claimed for so long: from then on it takes more than a
    // third to claim it.
    private const int BelieveTicks = 20;

    private readonly SortedDictionary<AccountId, Height> heard = []; // the first that each peer said
    private readonly HashSet<Vote> own = []; // of this height, known to be signed in this life or on disk
    private Height silent; // somebody showed a signature of this height that is not known here
    private int ticks;
    private int ticksOfQuorum;

    /// <summary>True once the node knows where the chain is, and is there.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether a signature of this height may be given.</summary>
    public bool MaySign(Height height) => IsOpen && height > silent;

    /// <summary>A height begins.</summary>
    /// <param name="signed">Own votes of it that are on disk.</param>
    public void StartHeight(IEnumerable<Vote> signed)
    {
        own.Clear();
        own.UnionWith(signed);
        ticks = 0;
    }

    /// <summary>The node gave a signature.</summary>
    public void AddOwn(Vote vote) => own.Add(vote);

    /// <summary>A peer told where its chain ends.</summary>
    public void Hear(AccountId peer, Height head)
    {
        if (!IsOpen)
        {
            heard.TryAdd(peer, head);
        }
    }

    /// <summary>
    /// A vote came in. False when it is this node's and not known to it: it forgot, or another process has its key.
    /// </summary>
    public bool TryRecognise(Vote vote)
    {
        if (vote.Validator != self)
        {
            Hear(vote.Validator, new Height(vote.Height.Value - 1));
            return true;
        }

        if (own.Contains(vote))
        {
            return true;
        }

        silent = vote.Height > silent ? vote.Height : silent;
        return false;
    }

    /// <summary>Looks whether signing may begin; true when it does from now on.</summary>
    /// <param name="validators">Who decides this height.</param>
    /// <param name="head">The last block here.</param>
    /// <param name="isTick">Whether a stall interval is over.</param>
    public bool TryOpen(ValidatorSet validators, Height head, bool isTick)
    {
        if (IsOpen || validators.IndexOf(self) < 0
            || !validators.IsQuorum(PowerOf(validators, self) + heard.Keys.Sum(p => PowerOf(validators, p))))
        {
            return false;
        }

        ticksOfQuorum += isTick ? 1 : 0;
        Height end = EndOfChain(validators);
        if (head < end)
        {
            return false; // block sync first
        }

        ticks += isTick ? 1 : 0;
        IsOpen = end == Height.Genesis || head > end || ticks >= QuietTicks;
        return IsOpen;
    }

    private static long PowerOf(ValidatorSet validators, AccountId account)
    {
        int index = validators.IndexOf(account);
        return index < 0 ? 0 : validators[index].Power;
    }

    // A claim is believed for a while, then it needs an honest share: else one liar could silence a node for ever.
    private Height EndOfChain(ValidatorSet validators)
    {
        long power = 0;
        foreach ((AccountId peer, Height height) in heard.OrderByDescending(h => h.Value))
        {
            power += PowerOf(validators, peer);
            if (power > 0 && (ticksOfQuorum < BelieveTicks || validators.HasHonestMember(power)))
            {
                return height;
            }
        }

        return Height.Genesis;
    }
}
