using System.Collections.Immutable;
using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>The working copy of the state while one block is executed. Used by one thread, once.</summary>
internal sealed class BlockExecution : IKeyDirectory
{
    private readonly LedgerState start;
    private readonly VerifiedSignatures cache;
    private readonly ImmutableSortedDictionary<AccountId, Account>.Builder accounts;
    private readonly ImmutableSortedDictionary<AccountId, NodeKeyRecord>.Builder keys;
    private readonly ImmutableSortedDictionary<DeviceId, Device>.Builder devices;
    private readonly ImmutableSortedDictionary<Hash256, TaskState>.Builder tasks;
    private readonly ImmutableList<Fault>.Builder faults;
    private readonly ImmutableSortedDictionary<AccountId, PowerBallot>.Builder ballots;
    private readonly SortedSet<StateKey> changed = [];
    private readonly List<LedgerEvent> events = [];
    private long gasUsed;

    public BlockExecution(LedgerState start, Height height, VerifiedSignatures cache)
    {
        this.start = start;
        this.cache = cache;
        Height = height;
        accounts = start.Accounts.ToBuilder();
        keys = start.Keys.ToBuilder();
        devices = start.Devices.ToBuilder();
        tasks = start.Tasks.ToBuilder();
        faults = start.Faults.ToBuilder();
        ballots = start.Ballots.ToBuilder();
        GatewayCount = start.Accounts.Values.Count(a => a.Has(AccountRoles.Gateway));
    }

    public Height Height { get; }

    public Genesis Genesis => start.Genesis;

    public int GatewayCount { get; private set; }

    public int DeviceCount => devices.Count;

    public int TaskCount => tasks.Count;

    public IEnumerable<Account> Accounts => accounts.Values;

    public IEnumerable<TaskState> Tasks => tasks.Values;

    public IEnumerable<PowerBallot> Ballots => ballots.Values;

    public VerifiedSignatures Cache => cache;

    /// <summary>Hash of the transaction being executed.</summary>
    public Hash256 CurrentTransaction { get; private set; }

    public (LedgerState Next, BlockOutcome Outcome) Run(IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        TaskPhases.OpenRounds(this);
        var decoded = new Transaction?[transactions.Count];
        var rejections = new RejectionReason?[transactions.Count];
        Prepare(transactions, decoded, rejections);
        for (int i = 0; i < decoded.Length; i++)
        {
            rejections[i] = rejections[i] is { } reason ? reason
                : EquivocationEvidence.IsTagged(transactions[i].Span) ? EvidenceRules.Apply(this, transactions[i])
                : Execute(decoded[i]!);
        }

        TaskPhases.ClosePhases(this);
        var next = new LedgerState(
            start.Genesis, Height, accounts.ToImmutable(), keys.ToImmutable(), devices.ToImmutable(),
            tasks.ToImmutable(), faults.ToImmutable(), ballots.ToImmutable(), start, changed);
        return (next, new BlockOutcome(rejections, events, gasUsed));
    }

    public Account? FindAccount(AccountId id) => accounts.GetValueOrDefault(id);

    public NodeKeyRecord? FindKey(AccountId key) => IKeyDirectory.Find(key, keys, accounts);

    public Device? FindDevice(DeviceId id) => devices.GetValueOrDefault(id);

    public TaskState? FindTask(Hash256 id) => tasks.GetValueOrDefault(id);

    /// <summary>The votes on an account's power; none when there never were any.</summary>
    public PowerBallot FindBallot(AccountId candidate) => ballots.TryGetValue(candidate, out PowerBallot? known)
        ? known
        : new PowerBallot(candidate, ImmutableSortedDictionary<AccountId, PowerVote>.Empty);

    public void Put(Account account)
    {
        bool wasGateway = FindAccount(account.Id) is Account known && known.Has(AccountRoles.Gateway);
        bool isGateway = account.Has(AccountRoles.Gateway);
        GatewayCount += isGateway == wasGateway ? 0 : isGateway ? 1 : -1;
        accounts[account.Id] = account;
        changed.Add(StateKey.Account(account.Id));
    }

    public void Put(PowerBallot ballot)
    {
        ballots[ballot.Candidate] = ballot;
        changed.Add(StateKey.Ballot(ballot.Candidate));
    }

    public void Put(NodeKeyRecord key)
    {
        keys[key.Key.Account] = key;
        changed.Add(StateKey.NodeKey(key.Key.Account));
    }

    public void Put(Device device)
    {
        devices[device.Id] = device;
        changed.Add(StateKey.Device(device.Id));
    }

    /// <summary>Replaces a task's phase, round and model. Statistics and versions have entries of their own.</summary>
    public void Put(TaskState task)
    {
        TaskState? known = FindTask(task.Id);
        tasks[task.Id] = task;
        changed.Add(StateKey.Progress(task.Id));
        if (known is null)
        {
            changed.Add(StateKey.Task(task.Id));
        }

        if (known is null || known.Totals != task.Totals || known.Standardisation != task.Standardisation)
        {
            changed.Add(StateKey.Statistics(task.Id));
        }

        for (int version = known?.Versions.Count ?? 0; version < task.Versions.Count; version++)
        {
            changed.Add(StateKey.Version(task.Id, version));
        }
    }

    public void Emit(LedgerEvent happened) => events.Add(happened);

    /// <summary>Puts a fault onto the strike list, once for each kind, account, task and round.</summary>
    public void Strike(TaskState task, Participation participation, FaultKind kind, Hash256 evidence)
    {
        int bit = 1 << (int)kind;
        if ((participation.FaultBits & bit) != 0)
        {
            return;
        }

        Strike(
            accounts[participation.Gateway],
            new Fault(kind, participation.Gateway, task.Id, task.Round, Height, evidence));
        Participation marked = participation with { FaultBits = participation.FaultBits | bit };
        Put(task with { Participations = task.Participations.SetItem(participation.Gateway, marked) });
    }

    /// <summary>Puts a fault onto the strike list and the account back with one strike more.</summary>
    public void Strike(Account account, Fault fault)
    {
        changed.Add(StateKey.Fault(faults.Count));
        faults.Add(fault);
        Put(account with { Strikes = account.Strikes + 1 });
        Emit(new FaultRecorded(fault));
    }

    /// <summary>Takes gas of the block; false when it does not have so much left.</summary>
    public bool TryUseGas(long gas)
    {
        if (gasUsed + gas > LedgerLimits.BlockGasMax)
        {
            return false;
        }

        gasUsed += gas;
        return true;
    }

    /// <summary>Decodes, and verifies signatures into the cache on all cores. Only the decoding is a result.</summary>
    private void Prepare(
        IReadOnlyList<ReadOnlyMemory<byte>> transactions, Transaction?[] decoded, RejectionReason?[] rejections)
    {
        Parallel.For(0, decoded.Length, i =>
        {
            if (EquivocationEvidence.IsTagged(transactions[i].Span))
            {
                return;
            }

            rejections[i] = Admission.Decode(start, transactions[i], out decoded[i]);
            if (rejections[i] is null
                && ((IKeyDirectory)start).FindSigner(decoded[i]!.Signer, out Account? signer) is null
                && decoded[i]!.Nonce > signer!.Nonce)
            {
                VerifyAhead(decoded[i]!, signer);
            }
        });
    }

    private void VerifyAhead(Transaction transaction, Account signer)
    {
        if (!cache.Verify(transaction.Hash, transaction.Message, signer.Key, TransactionCodec.Role)
            || transaction.Body is not RevealDeltas reveal
            || !start.Tasks.TryGetValue(reveal.Task, out TaskState? task)
            || signer.TrainingKeyAt(task.RoundStart) is not VerifyingKey key)
        {
            return;
        }

        Parallel.For(0, reveal.SignedDeltas.Count, i =>
        {
            if (SignedDelta.TryDecode(reveal.SignedDeltas[i], out SignedDelta? delta))
            {
                cache.Verify(delta!.Hash, delta.Message, key, SignedDelta.Role);
            }
        });
    }

    private RejectionReason? Execute(Transaction transaction)
    {
        if (((IKeyDirectory)this).FindSigner(transaction.Signer, out Account? found) is { } unknown)
        {
            return unknown;
        }

        Account signer = found!;
        if (transaction.Nonce <= signer.Nonce)
        {
            return RejectionReason.NonceStale;
        }

        if (transaction.Nonce != signer.Nonce + 1)
        {
            return RejectionReason.NonceGap;
        }

        if (!cache.Verify(transaction.Hash, transaction.Message, signer.Key, TransactionCodec.Role))
        {
            return RejectionReason.BadSignature;
        }

        long gas = Gas.Of(transaction);
        if (!TryUseGas(gas))
        {
            return RejectionReason.BlockGasExceeded;
        }

        // From here on the nonce is used up, whatever the body's fate: a transaction never gets a second chance.
        signer = signer with { Nonce = transaction.Nonce };
        Put(signer);
        CurrentTransaction = transaction.Hash;
        return Admission.CheckRole(transaction.Body, signer) ?? Apply(transaction.Body, signer);
    }

    private RejectionReason? Apply(TransactionBody body, Account signer) => body switch
    {
        RegisterGateway register => RegistryRules.Apply(this, register),
        RegisterTrainingKey register => KeyRules.Apply(this, signer, register),
        RegisterDevice register => RegistryRules.Apply(this, signer, register),
        CreateTask create => TaskRules.Apply(this, create),
        SubmitStatistics statistics => TaskRules.Apply(this, signer, statistics),
        CommitDeltas commit => RoundRules.Apply(this, signer, commit),
        RevealDeltas reveal => RoundRules.Apply(this, signer, reveal),
        VotePower vote => ValidatorRules.Apply(this, signer, vote),
        RotateNodeKey rotate => KeyRules.Apply(this, signer, rotate),
        RevokeNodeKey => KeyRules.Revoke(this, signer),
        _ => RejectionReason.Malformed,
    };
}
