using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Ledger;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>
/// A node's state directory, written block by block without a network: every validator signs what the script says,
/// also lies. The same script gives the same bytes.
/// </summary>
internal sealed class ScriptedChain : IDisposable
{
    public const string ChainId = "scripted";
    public const string TaskName = "fans";

    private readonly IReadOnlyList<ISigner> nodes;
    private readonly IReadOnlyList<ISigner> training;
    private readonly BlockStore store;
    private readonly Dictionary<AccountId, ulong> nonces = [];
    private readonly List<ValidatorSet> sets = []; // index = height
    private ValidatorTriple triple;
    private Commit? lastCommit;
    private bool isDisposed;
    private Hash256 lastHash;

    public ScriptedChain(
        string folder, IReadOnlyList<ISigner> nodes, IReadOnlyList<ISigner> training, int hidden = 4,
        int? validators = null, int segmentBytes = BlockStore.SegmentBytesArchive)
    {
        Folder = folder;
        this.nodes = nodes;
        this.training = training;
        Genesis = new Genesis(
            ChainId, nodes.Take(validators ?? nodes.Count).Select(n => new GenesisValidator(n.PublicKey, 10)),
            nodes.Select(n => n.PublicKey),
            [nodes[0].PublicKey]);
        triple = ValidatorTriple.Constant(
            new ValidatorSet(Genesis.Validators.Select(v => new Validator(v.Key, v.Power))));
        sets.Add(triple.Last);
        State = LedgerState.FromGenesis(Genesis);
        States.Add(State);
        Specification = MakeTask(hidden);
        Directory.CreateDirectory(folder);
        DurableFile.Replace(Path.Combine(folder, GenesisFileName.Text), Genesis.Encode());
        store = BlockStore.Open(BlocksFolder, segmentBytes);
    }

    public string Folder { get; }

    public string BlocksFolder => Path.Combine(Folder, "chain", "blocks");

    public Genesis Genesis { get; }

    /// <summary>Who decides the next block.</summary>
    public ValidatorSet Validators => triple.Current;

    public LedgerState State { get; private set; }

    /// <summary>Index = height.</summary>
    public List<LedgerState> States { get; } = [];

    public StoredSnapshot Snapshot => SnapshotAt((int)State.Height.Value);

    public TaskSpecification Specification { get; }

    /// <summary>Changes the commit of the block before, which the next blocks carry; null for the truth.</summary>
    public Func<Commit?, Commit?>? ChangeLastCommit { get; set; }

    public Hash256 TaskId => Hash256.Of(Specification.Encode());

    public TaskState Task => State.Tasks[TaskId];

    public static DeviceId DeviceOf(int gateway, int device) => new($"dev-{gateway}-{device}");

    public StoredSnapshot SnapshotAt(int height) => new(States[height], ValidatorTriple.Constant(Validators));

    /// <summary>Makes what was written durable and lets the folder go.</summary>
    public void Dispose()
    {
        if (!isDisposed)
        {
            isDisposed = true;
            store.Flush();
            store.Dispose();
        }
    }

    /// <summary>Deletes old blocks: where the chain begins then.</summary>
    public Height Prune(Height before)
    {
        store.Flush();
        store.DeleteBefore(before);
        return store.First;
    }

    /// <summary>A block with these transactions, decided by all.</summary>
    public Block Append(params byte[][] transactions) => AppendLie(header => header, transactions);

    /// <summary>A block whose header was changed before all validators signed it.</summary>
    public Block AppendLie(Func<BlockHeader, BlockHeader> lie, params byte[][] transactions)
    {
        Height height = State.Height.Next;
        sets.Add(Validators);
        var header = new BlockHeader(
            ChainId, height, 1_700_000_000_000 + height.Value, lastHash, Hash256.Zero, Hash256.Zero, State.StateRoot,
            Validators.Hash, triple.Next.Hash, Validators.Proposer(height, 0));
        Block block = Block.Create(
            lie(header), [.. transactions.Select(t => (ReadOnlyMemory<byte>)t)],
            ChangeLastCommit is null ? lastCommit : ChangeLastCommit(lastCommit));
        if (!store.TryAppendBlock(block))
        {
            throw new InvalidOperationException("The store refused the block.");
        }

        lastCommit = CommitOf(height, block.Hash);
        store.AppendCommit(lastCommit);
        lastHash = block.Hash;
        (State, BlockOutcome outcome) = State.Execute(height, block.Header.Proposer, block.Transactions);
        triple = triple.After(LedgerApplication.UpdatesOf(outcome));
        States.Add(State);
        nonces.Clear();
        return block;
    }

    /// <summary>Who decides, or decided, a height.</summary>
    public ValidatorSet SetOf(Height height) => sets[(int)height.Value];

    public LightBlock LightBlockOf(Height height)
    {
        (Block block, Commit commit) = store.Read(height);
        return new LightBlock(block.Header, commit, SetOf(height));
    }

    public Commit CommitOf(Height height, Hash256 hash, int signers = int.MaxValue, int round = 0) =>
        CommitOf(SetOf(height), height, hash, signers, round);

    /// <summary>What the first members of any set sign, also of one that the chain never had.</summary>
    public Commit CommitOf(
        ValidatorSet set, Height height, Hash256 hash, int signers = int.MaxValue, int round = 0,
        IEnumerable<ISigner>? extra = null)
    {
        var signatures = new List<CommitSignature>();
        for (int i = 0; i < Math.Min(signers, set.Count); i++)
        {
            Validator validator = set[i];
            ISigner signer = nodes.Concat(extra ?? []).Single(n => n.PublicKey.Account == validator.Account);
            var vote = new Vote(VoteType.Precommit, height, round, hash, validator.Account);
            signatures.Add(new CommitSignature(i, SignBytes(signer, vote.SignBytes(ChainId, validator.Key))));
        }

        return new Commit(height, round, hash, signatures);
    }

    /// <summary>A transaction with the signer's next nonce.</summary>
    public byte[] Sign(int node, TransactionBody body)
    {
        AccountId account = nodes[node].PublicKey.Account;
        ulong nonce = Math.Max(State.Accounts[account].Nonce, nonces.GetValueOrDefault(account)) + 1;
        nonces[account] = nonce;
        return Envelope(nodes[node], TransactionCodec.Role, TransactionCodec.EncodePayload(ChainId, nonce, body));
    }

    /// <summary>Registration, task, statistics, the block that opens round 1, and whole rounds.</summary>
    public ScriptedChain Play(int rounds, int devices = 2)
    {
        var transactions = new List<byte[]>();
        for (int g = 0; g < nodes.Count; g++)
        {
            transactions.Add(Sign(g, new RegisterTrainingKey(training[g].PublicKey)));
            for (int d = 0; d < devices; d++)
            {
                transactions.Add(Sign(g, new RegisterDevice(DeviceOf(g, d))));
            }
        }

        Append([.. transactions]);
        Append(Sign(0, new CreateTask(Specification.Encode())));
        Append([.. Enumerable.Range(0, nodes.Count).Select(g => Sign(g, Statistics(g, devices)))]);
        for (int round = 0; round < rounds; round++)
        {
            Append();
            PlayRound(devices);
        }

        return this;
    }

    public static byte[] Envelope(ISigner signer, string role, byte[] payload) => CoseSign1.Assemble(
        signer.PublicKey, payload, SignBytes(signer, CoseSign1.SignBytes(signer.PublicKey, role, payload)));

    private static byte[] SignBytes(ISigner signer, byte[] message)
    {
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(message, signature);
        return signature;
    }

    private static TaskSpecification MakeTask(int hidden) => new()
    {
        Name = TaskName,
        Features = new FeatureSpecification([new ChannelSpecification("ax", "g", 2_000_000)], 64, 32, 10),
        Classes = ["idle", "ok", "worn"],
        Architecture = new ModelArchitecture(ModelKind.Mlp, [12, hidden, 3], 6, 6, 5, 5),
        Training = new TrainingParameters(1, 32, 50_000, 0, 0),
        Rule = AggregationRule.NnmTrimmedMean,
        ByzantinePermille = 200,
        Rounds = 1_000,
        PhaseBlocksMax = 5,
        Seed = 7,
    };

    private SubmitStatistics Statistics(int gateway, int devices) => new(
        TaskId, [.. Enumerable.Range(0, devices).Select(d => new DeviceStatistics(
            DeviceOf(gateway, d), 10, [.. Enumerable.Range(0, 12).Select(i => 10L * (i + d))],
            [.. Enumerable.Range(0, 12).Select(i => (10L * (i + d) * (i + d)) + 40)]))]);

    private void PlayRound(int devices)
    {
        byte[][][] deltas = [.. Enumerable.Range(0, nodes.Count).Select(g =>
            Enumerable.Range(0, devices).Select(d => Delta(g, d)).ToArray())];
        Append([.. deltas.Select((own, g) => Sign(g, new CommitDeltas(
            TaskId, Task.Round, MerkleTree.DeltaRoot(own.Select(d => Hash256.Of(d))), own.Length)))]);
        Append([.. deltas.Select((own, g) => Sign(g, new RevealDeltas(
            TaskId, Task.Round, [.. own.Select(d => (ReadOnlyMemory<byte>)d)])))]);
    }

    private byte[] Delta(int gateway, int device)
    {
        var random = new SplitMix64((ulong)((1_000 * Task.Round) + (10 * gateway) + device));
        var values = new sbyte[Specification.Architecture.ParameterCount];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (sbyte)(random.Next(81) - 40);
        }

        return Envelope(training[gateway], SignedDelta.Role, SignedDelta.EncodePayload(
            TaskId, Task.Round, Task.Model.Hash, DeviceOf(gateway, device), values));
    }
}
