using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Audit;

/// <summary>Makes bundles from a node's state directory. What it returns was checked as a stranger would.</summary>
public sealed class BundleBuilder
{
    private readonly Genesis genesis;
    private readonly ChainReplay replay;

    /// <summary>Prepares for one chain.</summary>
    public BundleBuilder(ChainFolder folder, Genesis genesis)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(genesis);
        this.genesis = genesis;
        replay = new ChainReplay(folder, genesis);
    }

    /// <summary>An account's balance: points, strikes, keys.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="after">After which block; null for the last one that another stands on.</param>
    /// <exception cref="RunFailedException">The chain does not hold it there, or is damaged.</exception>
    public byte[] ForAccount(AccountId account, Height? after) => ForEntries(
        At(after), $"account {account}", StateKey.Account(account));

    /// <summary>A device: owner, reputation, points.</summary>
    /// <param name="device">Which.</param>
    /// <param name="after">After which block; null for the last one that another stands on.</param>
    /// <exception cref="RunFailedException">The chain does not hold it there, or is damaged.</exception>
    public byte[] ForDevice(DeviceId device, Height? after) =>
        ForEntries(At(after), $"device {device}", StateKey.Device(device));

    /// <summary>A model version and the task that it belongs to.</summary>
    /// <param name="task">The task's name.</param>
    /// <param name="version">Which; null for the newest.</param>
    /// <param name="after">After which block; null for the last one that another stands on.</param>
    /// <exception cref="RunFailedException">The chain does not hold it there, or is damaged.</exception>
    public byte[] ForModel(string task, int? version, Height? after)
    {
        ChainMoment moment = At(after);
        TaskState found = moment.Before.FindTask(task)
            ?? throw new RunFailedException($"there is no task '{task}' after block {moment.Before.Height}");
        int number = version ?? found.Model.Version;
        return ForEntries(
            moment, $"version {number} of task '{task}'", StateKey.Task(found.Id), StateKey.Version(found.Id, number));
    }

    /// <summary>The delta of a device that the chain accepted in a round.</summary>
    /// <param name="task">The task's name.</param>
    /// <param name="round">From 1.</param>
    /// <param name="device">Whose.</param>
    /// <exception cref="RunFailedException">There is none, or the chain is damaged.</exception>
    public byte[] ForDelta(string task, int round, DeviceId device)
    {
        foreach (ChainMoment moment in replay.All())
        {
            IReadOnlyList<ReadOnlyMemory<byte>> transactions = moment.Block.Transactions;
            for (int i = 0; i < transactions.Count; i++)
            {
                if (moment.Outcome.Rejections[i] is null
                    && FindDelta(moment.Before, transactions[i], task, round, device) is var (signer, delta))
                {
                    return Checked(moment, new BundleClaim.Delta(
                        transactions[i],
                        MerklePath.From(MerkleTree.Prove([.. transactions.Select(t => MerkleTree.Leaf(t.Span))], i)),
                        delta, EntryOf(moment, StateKey.Account(signer), $"account {signer}")));
                }
            }
        }

        throw new RunFailedException($"no delta of device {device} was accepted in round {round} of task '{task}'");
    }

    private static (AccountId Signer, Hash256 Delta)? FindDelta(
        LedgerState state, ReadOnlyMemory<byte> bytes, string task, int round, DeviceId device)
    {
        if (!TransactionCodec.TryDecode(bytes, out Transaction? transaction)
            || transaction!.Body is not RevealDeltas reveal || reveal.Round != round
            || state.Tasks.GetValueOrDefault(reveal.Task)?.Specification.Name != task)
        {
            return null;
        }

        foreach (ReadOnlyMemory<byte> item in reveal.SignedDeltas)
        {
            if (SignedDelta.TryDecode(item, out SignedDelta? delta) && delta!.Device == device)
            {
                return (state.FindHolder(transaction.Signer)!.Id, delta.Hash);
            }
        }

        return null;
    }

    private ChainMoment At(Height? after) => replay.At(after) ?? throw new RunFailedException(
        after is null
            ? "the chain has no block yet"
            : $"no header vouches for the state after block {after}: the chain has no block behind it");

    private byte[] ForEntries(ChainMoment moment, string what, params StateKey[] keys) => Checked(
        moment, new BundleClaim.Entries([.. keys.Select(k => EntryOf(moment, k, what))]));

    private static BundleEntry EntryOf(ChainMoment moment, StateKey key, string what) =>
        BundleEntry.From(moment.Before, key)
        ?? throw new RunFailedException($"there is no {what} after block {moment.Before.Height}");

    private byte[] Checked(ChainMoment moment, BundleClaim claim)
    {
        byte[] bytes = new Bundle(genesis.Encode(), LinksTo(moment), claim).Encode();
        return BundleVerifier.Check(bytes, genesis.Hash).Finding is { } finding
            ? throw new RunFailedException($"the chain does not support this proof: {finding}")
            : bytes;
    }

    // From the set of genesis to the block: nothing between as long as it is the same set.
    private List<BundleLink> LinksTo(ChainMoment moment)
    {
        if (!GenesisValidators.TryMake(genesis, out ValidatorSet? validators))
        {
            throw new RunFailedException("the validators of genesis are no set that consensus can work with");
        }

        BlockHeader header = moment.Block.Header;
        if (header.ValidatorsHash == validators!.Hash)
        {
            return [new BundleLink(header, moment.Commit, Validators: null)];
        }

        LightTrust trust = LightTrust.In(genesis.ChainId, validators);
        StoredSnapshot? start = replay.Oldest();
        List<LightBlock> blocks = LightHistory.Collect(
            replay.All(), start?.Validators ?? ValidatorTriple.Constant(validators), header.Height);
        IReadOnlyList<LightBlock> path = LightPath.Find(trust, blocks, Bundle.LinksMax)
            ?? throw new RunFailedException(start is null
                ? $"from genesis to block {header.Height} the validators changed so often that a proof of "
                + $"{Bundle.LinksMax} headers does not lead there, or the chain is damaged (fediot verify says more)"
                : $"block {header.Height} was decided by other validators than those of genesis, and the headers that "
                + $"lead from these to them are not here: what can be read begins behind block {start.State.Height} "
                + "([chain] retention, or this gateway joined by a snapshot). Make the proof on a gateway that keeps "
                + "all blocks");
        var links = new List<BundleLink>();
        foreach (LightBlock block in path)
        {
            bool isSame = block.Validators.Hash == trust.Validators.Hash;
            links.Add(new BundleLink(block.Header, block.Commit, isSame ? null : block.Validators));
            trust = trust.After(block);
        }

        return links;
    }
}
