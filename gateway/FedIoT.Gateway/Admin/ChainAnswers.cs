using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Keys;
using FedIoT.Gateway.Operate;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Admin;

/// <summary>Answers about chain and ledger. Reads immutable snapshots only; never waits for the node.</summary>
/// <param name="source">The running gateway.</param>
internal sealed class ChainAnswers(AdminSource source)
{
    /// <summary>Most blocks of one list.</summary>
    public const int BlocksMax = 100;

    // Beside three idle intervals: nodes that start need some seconds to find each other.
    private static readonly TimeSpan StandstillMin = TimeSpan.FromSeconds(10);

    // What a block's time may be ahead of a node's clock (docs/spec/consensus.md).
    private static readonly TimeSpan ClockErrorMax = TimeSpan.FromSeconds(60);

    private ChainNode Chain => source.Node.Chain;

    public ChainStatusAnswer Status()
    {
        ChainHead head = Chain.Head;
        Genesis genesis = source.Node.State.Genesis;
        return new ChainStatusAnswer
        {
            ChainId = genesis.ChainId,
            GenesisHash = genesis.Hash.ToString(),
            Account = source.Node.Account.ToString(),
            Height = head.Height.Value,
            FirstHeight = Chain.FirstHeight.Value,
            BlockHash = head.BlockHash.ToString(),
            BlockTime = head.Time,
            StateRoot = head.StateRoot.ToString(),
            Validators = Chain.Validators.Count,
            PeersConnected = Chain.ConnectedPeers,
            TransactionsWaiting = Chain.WaitingTransactions,
            BytesSent = Chain.BytesSent,
            BytesReceived = Chain.BytesReceived,
            FinalityMsP50 = Math.Round(Chain.Finality.Percentile(0.5), 2),
            FinalityMsP99 = Math.Round(Chain.Finality.Percentile(0.99), 2),
            Problem = AbsenceProblem() ?? StandstillProblem(),
        };
    }

    /// <summary>Why this gateway is not at the chain's end; null when it is, or will be.</summary>
    public string? AbsenceProblem() =>
        Chain.JoinState is { } joining ? $"this gateway joins by a snapshot: it {joining}"
        : Chain.SyncState is { } stuck ? $"this gateway {stuck}"
        : null;

    /// <summary>Why no block is decided; null when one was lately, or when that does not lie in connections.</summary>
    public string? StandstillProblem()
    {
        ValidatorSet set = Chain.Validators;
        TimeSpan quiet = StandstillMin + (3 * source.Configuration.IdleInterval);
        long since = source.Time.GetUtcNow().ToUnixTimeMilliseconds() - Chain.Head.Time;
        long power = ConnectedPower(set);
        string last = Chain.Head.Time == 0 ? "yet" : $"since {TextTable.Time(Chain.Head.Time)}";
        return since < quiet.TotalMilliseconds || set.IsQuorum(power)
            ? null
            : $"no block was decided {last}: validators with {power} of {set.TotalPower} power "
            + "are connected, this gateway included, and more than two thirds must be; "
            + (source.Configuration.Peers.All(p => p.Account == source.Node.Account)
                ? $"{source.Configuration.File} names no [[chain.peer]]"
                : "see: fediot chain peers");
    }

    /// <summary>
    /// That the machine's clock cannot be right; null when nothing speaks against it. Behind the last block shows at
    /// once; ahead shows when the chain seems to stand still although enough validators are here.
    /// </summary>
    public string? ClockProblem()
    {
        DateTimeOffset now = source.Board.Time.GetUtcNow();
        ChainHead head = Chain.Head;
        var ahead = TimeSpan.FromMilliseconds(head.Time - now.ToUnixTimeMilliseconds());
        string clock = TextTable.Time(now.ToUnixTimeMilliseconds());
        if (ahead > ClockErrorMax)
        {
            return $"the clock says {clock}, the last block is of {TextTable.Time(head.Time)}: set the clock; this "
                + "gateway takes new blocks for too early and does not vote for them";
        }

        TimeSpan quiet = ClockErrorMax + StandstillMin + (3 * source.Configuration.IdleInterval);
        bool isSettled = head.Time > 0 && source.Time.GetElapsedTime(source.StartedAt) > quiet
            && Chain.Peers.All(p => p.Height.Value <= head.Height.Value + 1);
        return isSettled && -ahead > quiet && Chain.Validators.IsQuorum(ConnectedPower(Chain.Validators))
            ? $"the last block is of {TextTable.Time(head.Time)} although enough validators are connected: is the "
                + $"clock right? It says {clock}"
            : null;
    }

    /// <summary>Blocks from a height downwards; without one, from the last.</summary>
    public BlocksAnswer Blocks(long? from, long count)
    {
        if (from < 1 || count is < 1 or > BlocksMax)
        {
            throw new AdminProblemException(
                400, from < 1
                    ? $"'from' is {from}: expected the height of a block, from 1 on"
                    : $"'count' is {count}: expected 1 to {BlocksMax}");
        }

        long height = Math.Min(from ?? long.MaxValue, Chain.Height.Value);
        if (height > 0 && height < Chain.FirstHeight.Value)
        {
            throw Pruned(height);
        }

        var items = new List<BlocksAnswer.BlockItem>();
        while (height > 0 && items.Count < count
            && Chain.ReadBlock(new Height(height)) is { } found)
        {
            BlockHeader header = found.Block.Header;
            items.Add(new BlocksAnswer.BlockItem(
                height, header.Time, found.Block.Hash.ToString(), header.Proposer.ToString(),
                found.Block.Transactions.Count, found.Block.Encoded.Length));
            height--;
        }

        return new BlocksAnswer(items, Chain.FirstHeight.Value);
    }

    public BlockAnswer Block(long height)
    {
        if (height >= 1 && height < Chain.FirstHeight.Value)
        {
            throw Pruned(height);
        }

        if (height < 1 || height > Chain.Height.Value || Chain.ReadBlock(new Height(height)) is not { } found)
        {
            throw new AdminProblemException(404, $"there is no block {height}; the last is {Chain.Height}");
        }

        (Block block, Commit commit) = found;
        return new BlockAnswer
        {
            Height = height,
            Time = block.Header.Time,
            Hash = block.Hash.ToString(),
            PreviousHash = block.Header.PreviousBlockHash.ToString(),
            StateRoot = block.Header.StateRoot.ToString(),
            ValidatorsHash = block.Header.ValidatorsHash.ToString(),
            Proposer = block.Header.Proposer.ToString(),
            CommitRound = commit.Round,
            CommitSignatures = commit.Signatures.Count,
            Bytes = block.Encoded.Length,
            Transactions = [.. block.Transactions.Select(bytes => Describe(bytes, height))],
        };
    }

    /// <summary>A transaction by its hash, or by the digits that a list shows of it.</summary>
    public TransactionAnswer Transaction(string name)
    {
        if (name.Length is < TransactionIndex.PrefixMin or > 64 || !name.All(char.IsAsciiHexDigit))
        {
            throw new AdminProblemException(
                400, $"'{name}' names no transaction: expected the 64 hexadecimal digits of its hash, or at least the "
                + $"first {TransactionIndex.PrefixMin}");
        }

        IReadOnlyList<Hash256> hashes = source.Transactions.FindByPrefix(name);
        if (hashes.Count > 1)
        {
            throw new AdminProblemException(409, $"{hashes.Count} transactions begin with {name}; give more digits");
        }

        if (hashes.Count == 0 || source.Transactions.Find(hashes[0]) is not { } entry)
        {
            throw new AdminProblemException(
                404, $"transaction {name} is not among the newest {TransactionIndex.TransactionsMax} in blocks"
                + (Chain.FirstHeight.Value > 1
                    ? $"; this gateway's blocks begin at {Chain.FirstHeight}" : string.Empty));
        }

        if (Chain.ReadBlock(entry.Height) is not { } found)
        {
            throw Pruned(entry.Height.Value);
        }

        TransactionItem item = Describe(found.Block.Transactions[entry.Position], entry.Height.Value);
        return new TransactionAnswer(
            item.Hash, entry.Height.Value, entry.Position, item.Type, item.Signer, item.Nonce, item.Bytes, item.Result);
    }

    /// <summary>Hands a transaction to the chain that its sender signed elsewhere.</summary>
    public async Task<TransactionAcceptedAnswer> SubmitAsync(ReadOnlyMemory<byte> transaction)
    {
        string? reason = await Chain.SubmitAsync(transaction).ConfigureAwait(false);
        return reason is null
            ? new TransactionAcceptedAnswer(Hash256.Of(transaction.Span).ToString())
            : throw new AdminProblemException(409, $"the node refused the transaction: {reason}");
    }

    public ValidatorsAnswer Validators()
    {
        LedgerState state = source.Node.State;
        ValidatorSet current = Chain.Validators;
        ValidatorSet next = Chain.NextValidators;
        return new ValidatorsAnswer(
        [
            .. current.Members.Concat(next.Members.Where(m => current.IndexOf(m.Account) < 0)).Select(m =>
            {
                Account? account = state.FindHolder(m.Account);
                return new ValidatorsAnswer.ValidatorItem(
                    m.Account.ToString(), KeyReport.Name(m.Key), PowerIn(current, m.Account),
                    PowerIn(next, m.Account), account?.Stake ?? 0, account?.Points ?? 0, account?.Strikes ?? 0,
                    m.Account == Chain.Account);
            }),
        ]);
    }

    public PeersAnswer Peers()
    {
        var configured = source.Configuration.Peers.ToDictionary(p => p.Account, p => p.Text);
        return new PeersAnswer(Chain.ConnectedPeers, [.. Chain.Peers.Select(p => Describe(p, configured))]);
    }

    public EvidenceAnswer Evidence() => new(
    [
        .. source.Node.State.Faults.Select(f => new EvidenceAnswer.EvidenceItem(
            f.Kind.ToString(), f.Account.ToString(), f.Height.Value, f.Task.ToString(), f.Round,
            f.Evidence.ToString())
        {
            OffenceHeight = f.Kind == FaultKind.Equivocation ? f.OffenceHeight.Value : null,
            Messages = f.Messages switch { 1 => "prevotes", 2 => "precommits", 3 => "proposals", _ => null },
            Slashed = f.Slashed,
        }),
    ]);

    private long ConnectedPower(ValidatorSet set) => set.Members
        .Where(m => m.Account == Chain.Account || Chain.IsConnected(m.Account)).Sum(m => m.Power);

    private AdminProblemException Pruned(long height) => new(
        410, $"block {height} is not on this gateway any more, its blocks begin at {Chain.FirstHeight} ([chain] "
        + "retention, or it joined by a snapshot); ask a gateway that keeps all of them");

    private static long PowerIn(ValidatorSet set, AccountId account) =>
        set.IndexOf(account) is >= 0 and var index ? set[index].Power : 0;

    private static PeersAnswer.PeerItem Describe(PeerView peer, Dictionary<AccountId, string> configured)
    {
        bool isConnected = peer.ConnectedSince is not null;
        string found = peer.EndPoint is { } endPoint ? EndPointText.Of(endPoint) : string.Empty;
        return new PeersAnswer.PeerItem(
            peer.Account.ToString(), isConnected ? found : configured.GetValueOrDefault(peer.Account, found))
        {
            State = isConnected ? "connected" : peer.Banned > TimeSpan.Zero ? "banned" : "disconnected",
            Standing = peer.Standing.ToLowerInvariant(),
            Direction = !isConnected ? null : peer.IsDialled ? "out" : "in",
            ConnectedSince = peer.ConnectedSince?.ToUnixTimeMilliseconds(),
            Height = isConnected ? peer.Height.Value : null,
            BytesReceived = peer.BytesReceived,
            BytesSent = peer.BytesSent,
            LastReason = ReasonOf(peer, isConnected),
            LastReasonAt = peer.LastReasonAt?.ToUnixTimeMilliseconds(),
            BannedSeconds = Math.Round(peer.Banned.TotalSeconds, 1),
        };
    }

    private static string? ReasonOf(PeerView peer, bool isConnected) => peer.LastReason switch
    {
        DisconnectReason.None when isConnected => null,
        DisconnectReason.None => peer.EndPoint is null ? "no address is known" : "not dialled yet",
        _ => peer.LastError.Length == 0 ? peer.LastReason.ToString() : $"{peer.LastReason}: {peer.LastError}",
    };

    private TransactionItem Describe(ReadOnlyMemory<byte> bytes, long height)
    {
        Hash256 hash = Hash256.Of(bytes.Span);
        TransactionIndex.Entry? entry = source.Transactions.Find(hash);
        string result = entry?.Height.Value == height ? entry.Rejection ?? "applied" : "unknown";
        return TransactionCodec.TryDecode(bytes, out Transaction? transaction)
            ? new TransactionItem(
                hash.ToString(), transaction!.Body.Type.ToString(), transaction.Signer.ToString(), transaction.Nonce,
                bytes.Length, result)
            : new TransactionItem(hash.ToString(), "Malformed", string.Empty, 0, bytes.Length, result);
    }
}
