using System.Collections.Immutable;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// The whole application state after a block. Immutable: executing a block gives another one. Pure: no I/O, no
/// clock, no floating point, no order that depends on a machine. Transactions' bytes are kept, so callers must not
/// write into them afterwards. Rules: docs/spec/round.md and docs/spec/transactions.md.
/// </summary>
public sealed class LedgerState : IKeyDirectory
{
    private readonly StateTree tree;

    internal LedgerState(
        Genesis genesis, Height height, ImmutableSortedDictionary<AccountId, Account> accounts,
        ImmutableSortedDictionary<AccountId, NodeKeyRecord> keys,
        ImmutableSortedDictionary<DeviceId, Device> devices, ImmutableSortedDictionary<Hash256, TaskState> tasks,
        ImmutableList<Fault> faults, ImmutableSortedDictionary<AccountId, PowerBallot> ballots,
        LedgerState? previous, IEnumerable<StateKey> changed)
    {
        Genesis = genesis;
        Height = height;
        Accounts = accounts;
        Keys = keys;
        Devices = devices;
        Tasks = tasks;
        Faults = faults;
        Ballots = ballots;
        var leaves = new SortedDictionary<StateKey, Hash256>();
        foreach (StateKey key in changed)
        {
            leaves[key] = key.LeafHash(Hash256.Of(StateValues.Encode(this, key)!));
        }

        tree = (previous?.tree ?? StateTree.Empty).With(leaves);
    }

    /// <summary>What the chain started from.</summary>
    public Genesis Genesis { get; }

    /// <summary>Last executed block. Not part of the state root: an empty block changes nothing by itself.</summary>
    public Height Height { get; }

    /// <summary>All accounts.</summary>
    public ImmutableSortedDictionary<AccountId, Account> Accounts { get; }

    /// <summary>Node keys of accounts that changed or revoked theirs, by hash: see <see cref="FindKey"/>.</summary>
    public ImmutableSortedDictionary<AccountId, NodeKeyRecord> Keys { get; }

    /// <summary>All devices.</summary>
    public ImmutableSortedDictionary<DeviceId, Device> Devices { get; }

    /// <summary>All tasks by id.</summary>
    public ImmutableSortedDictionary<Hash256, TaskState> Tasks { get; }

    /// <summary>The strike list, oldest first.</summary>
    public ImmutableList<Fault> Faults { get; }

    /// <summary>Standing votes on voting power, by candidate.</summary>
    public ImmutableSortedDictionary<AccountId, PowerBallot> Ballots { get; }

    /// <summary>Root of the Merkle tree over all state entries.</summary>
    public Hash256 StateRoot => tree.Root;

    /// <summary>
    /// True when a task waits for blocks to pass, so that empty blocks are wanted: a round is to be opened, or a
    /// phase with a block limit is running (the statistics phase only once a gateway gave its sums).
    /// </summary>
    public bool WantsNextBlock => Tasks.Values.Any(t => t.Phase switch
    {
        TaskPhase.Pending or TaskPhase.Commit or TaskPhase.Reveal => true,
        TaskPhase.Statistics => t.StatisticsFrom.Count > 0,
        _ => false,
    });

    /// <summary>The state before the first block.</summary>
    public static LedgerState FromGenesis(Genesis genesis)
    {
        ArgumentNullException.ThrowIfNull(genesis);
        var accounts = ImmutableSortedDictionary.CreateBuilder<AccountId, Account>();
        foreach (GenesisValidator validator in genesis.Validators)
        {
            Grant(accounts, validator.Key, AccountRoles.Validator, validator.Power);
        }

        foreach (VerifyingKey key in genesis.Gateways)
        {
            Grant(accounts, key, AccountRoles.Gateway, 0);
        }

        foreach (VerifyingKey key in genesis.Administrators)
        {
            Grant(accounts, key, AccountRoles.Administrator, 0);
        }

        return new LedgerState(
            genesis, Height.Genesis, accounts.ToImmutable(),
            ImmutableSortedDictionary<AccountId, NodeKeyRecord>.Empty,
            ImmutableSortedDictionary<DeviceId, Device>.Empty,
            ImmutableSortedDictionary<Hash256, TaskState>.Empty, [],
            ImmutableSortedDictionary<AccountId, PowerBallot>.Empty, previous: null,
            accounts.Keys.Select(StateKey.Account).Prepend(StateKey.Chain));
    }

    /// <summary>Executes a block. Deterministic; bytes that are no valid transaction are rejected.</summary>
    /// <param name="height">The block's; one above this state's.</param>
    /// <param name="proposer">Who proposed it. Not used by any rule yet.</param>
    /// <param name="transactions">In order.</param>
    /// <param name="cache">Signatures that this node verified before; null = verify all.</param>
    /// <exception cref="ArgumentException">Not the next height.</exception>
    public (LedgerState Next, BlockOutcome Outcome) Execute(
        Height height, AccountId proposer, IReadOnlyList<ReadOnlyMemory<byte>> transactions,
        VerifiedSignatures? cache = null)
    {
        ArgumentNullException.ThrowIfNull(transactions);
        if (height != Height.Next)
        {
            throw new ArgumentException($"The next height is {Height.Next}, not {height}.", nameof(height));
        }

        return new BlockExecution(this, height, cache ?? new VerifiedSignatures()).Run(transactions);
    }

    /// <summary>
    /// Admission test for a mempool on top of this state; null = admit. Verifies and remembers every signature that
    /// executing will need, so that the block pays for none of them again. Any thread.
    /// </summary>
    public RejectionReason? CheckTransaction(ReadOnlyMemory<byte> bytes, VerifiedSignatures cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return Admission.Check(this, bytes, cache);
    }

    /// <summary>
    /// Chooses and orders transactions for a proposal: in the given order, but each account's by nonce without a
    /// gap from its present one, within the byte and gas limits. Does not verify signatures again.
    /// </summary>
    /// <param name="candidates">From the mempool, oldest first.</param>
    /// <param name="bytesMax">Sum of lengths.</param>
    public IReadOnlyList<ReadOnlyMemory<byte>> PrepareBlock(
        IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        return Admission.PrepareBlock(this, candidates, bytesMax);
    }

    /// <summary>
    /// True when a block on top of this state may hold these transactions, as <see cref="PrepareBlock"/> makes them:
    /// evidence that holds, once for each account, then each account's transactions by nonce without a gap, within the
    /// gas. Signatures of transactions are not looked at. One pass, whatever a proposer made up.
    /// </summary>
    /// <param name="transactions">In the block's order.</param>
    public bool MayFollow(IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        ArgumentNullException.ThrowIfNull(transactions);
        return Admission.MayFollow(this, transactions);
    }

    /// <summary>Whom a transaction names as its sender, evidence as its accused; null for other bytes.</summary>
    public static AccountId? SenderOf(ReadOnlyMemory<byte> transaction) =>
        EquivocationEvidence.IsTagged(transaction.Span) ? EquivocationEvidence.Decode(transaction)?.Validator
        : CoseSign1.TryDecode(transaction, out CoseSign1? message) ? message!.Signer
        : null;

    /// <summary>The account of this name; null when there is none.</summary>
    public Account? FindAccount(AccountId id) => Accounts.GetValueOrDefault(id);

    /// <summary>The node key with this hash, present or retired; null when it never was one.</summary>
    public NodeKeyRecord? FindKey(AccountId key) => IKeyDirectory.Find(key, Keys, Accounts);

    /// <summary>The account that has a node key, or had it; null when the key never was one.</summary>
    public Account? FindHolder(AccountId key) => FindKey(key) is { } record ? Accounts[record.Account] : null;

    /// <summary>The task of this name; null when there is none.</summary>
    public TaskState? FindTask(string name) => Tasks.Values.FirstOrDefault(t => t.Specification.Name == name);

    /// <summary>A gateway's devices, ascending.</summary>
    public IEnumerable<Device> DevicesOf(AccountId gateway) => Devices.Values.Where(d => d.Gateway == gateway);

    /// <summary>Gateways that own at least one device, ascending.</summary>
    public IEnumerable<Account> GatewaysWithDevices() => Accounts.Values.Where(a => a.OwnsDevices);

    /// <summary>Gateways that a task's current phase still waits for, ascending.</summary>
    public IEnumerable<AccountId> WaitingFor(TaskState task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return task.Phase == TaskPhase.Statistics
            ? GatewaysWithDevices().Select(a => a.Id).Where(id => !task.StatisticsFrom.Contains(id))
            : task.RoundWaitsFor();
    }

    /// <summary>The value of a state entry, deterministic CBOR; null when there is none.</summary>
    public ReadOnlyMemory<byte>? GetValue(StateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return StateValues.Encode(this, key);
    }

    /// <summary>Proof that this state holds the entry; null when it does not.</summary>
    public StateProof? Prove(StateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        InclusionProof? inclusion = tree.Prove(key);
        return inclusion is null ? null : new StateProof(key, StateValues.Encode(this, key)!, inclusion);
    }

    /// <summary>The whole state in deterministic CBOR, for a restart.</summary>
    public byte[] EncodeSnapshot() => Snapshot.Encode(this);

    /// <summary>
    /// Reads a snapshot; false for anything else, also when its content does not give the state root that it
    /// names. Nothing throws. The caller compares <see cref="StateRoot"/> with the chain's.
    /// </summary>
    public static bool TryDecodeSnapshot(ReadOnlyMemory<byte> bytes, out LedgerState? state) =>
        Snapshot.TryDecode(bytes, out state);

    private static void Grant(
        ImmutableSortedDictionary<AccountId, Account>.Builder accounts, VerifyingKey key, AccountRoles role, long power)
    {
        Account account = accounts.TryGetValue(key.Account, out Account? known)
            ? known
            : new Account(key, AccountRoles.None, 0);
        accounts[key.Account] = account with
        {
            Roles = account.Roles | role,
            Power = Math.Max(account.Power, power),
            Stake = Math.Max(account.Stake, power * LedgerLimits.GenesisStakePerPower),
        };
    }
}
