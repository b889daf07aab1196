using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Whom this node asks for the blocks that it lacks, and when. What a peer says about its height is only a reason to
/// ask it: one that gave nothing is not asked again before the next tick, nor before all others that are ahead, so that
/// neither a liar nor a peer whose old blocks are deleted keeps this node busy, or from the chain.
/// </summary>
/// <remarks>Owned by the node's task; <see cref="State"/> may be read by anybody.</remarks>
internal sealed partial class BlockSync(BlockExecutor executor, IChainNodeShell shell, ILogger logger)
{
    // A peer that is this far ahead decided without this node; less is the ordinary delay of a vote.
    private const int AtOnceDistance = 3;

    private readonly SortedDictionary<AccountId, Height> heights = []; // of those that could be asked lately
    private readonly SortedSet<AccountId> without = []; // who answered without the next block since this node moved
    private AccountId? asked; // who answers now
    private AccountId lastAsked;
    private Height askedFrom;
    private volatile string? state;

    /// <summary>
    /// Why this node cannot catch up, a sentence without a subject; null while it can, or need not.
    /// </summary>
    public string? State => state;

    /// <summary>A peer said where its chain ends.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="height">Where.</param>
    /// <param name="endsBlocks">It has answered a request.</param>
    public void OnStatus(AccountId peer, Height height, bool endsBlocks)
    {
        Height head = executor.Head.Height;
        heights[peer] = height;
        if (endsBlocks && asked == peer)
        {
            asked = null;
            if (head.Next == askedFrom)
            {
                without.Add(peer);
                Judge(head);
            }
        }

        if (asked is null && height.Value >= head.Value + AtOnceDistance && !without.Contains(peer))
        {
            Request(peer, head);
        }
    }

    /// <summary>This node has a block more.</summary>
    public void OnMoved()
    {
        without.Clear();
        state = null;
    }

    /// <summary>
    /// Nothing moved for a tick: whoever was asked last is not asked again before all others that are ahead, whatever
    /// it answered.
    /// </summary>
    public void AskSomebodyAhead()
    {
        Height head = executor.Head.Height;
        asked = null;
        AccountId[] ahead = [.. heights.Where(p => p.Value > head).Select(p => p.Key)];
        int first = Math.Max(Array.FindIndex(ahead, a => a > lastAsked), 0);
        for (int i = 0; i < ahead.Length && asked is null; i++)
        {
            AccountId peer = ahead[(first + i) % ahead.Length];
            if (!Request(peer, head))
            {
                heights.Remove(peer); // not connected, or it does not read; it says again where it is
            }
        }

        Judge(head);
    }

    private bool Request(AccountId peer, Height head)
    {
        if (!shell.Send(peer, PeerMessages.BlockRequest(head.Next)))
        {
            return false;
        }

        asked = lastAsked = peer;
        askedFrom = head.Next;
        return true;
    }

    // A liar alone must not alarm people: each of those that are ahead has answered without the block, and they are
    // more than a third of the power, or all that this node knows (its set may be as old as its chain).
    private void Judge(Height head)
    {
        ValidatorSet validators = executor.Validators.Current;
        AccountId[] ahead = [.. heights.Where(p => p.Value > head).Select(p => p.Key)];
        long power = ahead.Select(validators.IndexOf).Where(i => i >= 0).Sum(i => validators[i].Power);
        if (ahead.Length == 0 || !ahead.All(without.Contains)
            || (ahead.Length < heights.Count && !validators.HasHonestMember(power)))
        {
            state = null;
            return;
        }

        bool isNew = state is null;
        state = $"cannot catch up: none of the {ahead.Length} peers that are ahead has block {head.Next} any more; it "
            + "was off for longer than they keep blocks ([chain] retention). Connect it to a gateway that keeps all "
            + "blocks; or stop it, remove chain/blocks (nothing else) from its state folder, set [chain] trusted = "
            + "\"HEIGHT:HASH\" to a recent block that you trust (fediot chain status on another gateway shows one), "
            + "and start it";
        if (isNew)
        {
            Log.Stuck(logger, state);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2110, LogLevel.Error, "This gateway {State}.")]
        public static partial void Stuck(ILogger logger, string state);
    }
}
