using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>A chain with one administrator, one validator and some gateways, driven block by block.</summary>
internal sealed class TestChain
{
    public const string ChainId = "test";

    private readonly Dictionary<AccountId, ulong> nonces = [];

    public TestChain(int gateways = 3, int devicesPerGateway = 2, int phaseBlocksMax = 5)
    {
        Gateways = [.. Enumerable.Range(0, gateways).Select(i => new TestKey(100 + i))];
        Training = [.. Enumerable.Range(0, gateways).Select(i => new TestKey(200 + i))];
        Genesis = new Genesis(
            ChainId, [new GenesisValidator(Validator.Public, 10)], Gateways.Select(g => g.Public), [Admin.Public]);
        State = LedgerState.FromGenesis(Genesis);
        DevicesPerGateway = devicesPerGateway;
        Specification = MakeTask(phaseBlocksMax: phaseBlocksMax);
    }

    public TestKey Admin { get; } = new(1);

    public TestKey Validator { get; } = new(2);

    public TestKey[] Gateways { get; }

    public TestKey[] Training { get; }

    public int DevicesPerGateway { get; }

    public Genesis Genesis { get; }

    public LedgerState State { get; set; }

    public TaskSpecification Specification { get; set; }

    public List<byte[][]> Blocks { get; } = [];

    public List<BlockOutcome> Outcomes { get; } = [];

    public Hash256 TaskId => Hash256.Of(Specification.Encode());

    public TaskState Task => State.Tasks[TaskId];

    public int ParameterCount => Specification.Architecture.ParameterCount;

    public static TaskSpecification MakeTask(
        string name = "fans", AggregationRule rule = AggregationRule.NnmTrimmedMean, int rounds = 3,
        int phaseBlocksMax = 5, int hidden = 4, int byzantinePermille = 200) => new()
        {
            Name = name,
            Features = new FeatureSpecification([new ChannelSpecification("ax", "g", 2_000_000)], 64, 32, 10),
            Classes = ["idle", "ok", "worn"],
            Architecture = new ModelArchitecture(ModelKind.Mlp, [12, hidden, 3], 6, 6, 5, 5),
            Training = new TrainingParameters(1, 32, 50_000, 0, 0),
            Rule = rule,
            ByzantinePermille = byzantinePermille,
            Rounds = rounds,
            PhaseBlocksMax = phaseBlocksMax,
            Seed = 7,
        };

    public static DeviceId DeviceOf(int gateway, int device) => new($"dev-{gateway:d2}-{device:d3}");

    /// <summary>Signs with the account's next nonce.</summary>
    public byte[] Sign(TestKey key, TransactionBody body)
    {
        ulong known = State.FindHolder(key.Id)?.Nonce ?? 0;
        ulong nonce = Math.Max(known, nonces.GetValueOrDefault(key.Id)) + 1;
        nonces[key.Id] = nonce;
        return key.Sign(body, nonce);
    }

    /// <summary>The body that changes an account's key, proven for its next nonce.</summary>
    public RotateNodeKey Rotation(TestKey old, TestKey next, TestKey? prover = null)
    {
        Account account = State.FindHolder(old.Id)!;
        byte[] proof = (prover ?? next).SignRaw(RotateNodeKey.ProofSignBytes(
            ChainId, account.Id, account.Key, next.Public, account.Nonce + 1));
        return new RotateNodeKey(next.Public, proof);
    }

    public void Rotate(TestKey old, TestKey next) => RunAll(Sign(old, Rotation(old, next)));

    public BlockOutcome Run(params byte[][] transactions)
    {
        (State, BlockOutcome outcome) = State.Execute(
            State.Height.Next, Validator.Id, [.. transactions.Select(t => new ReadOnlyMemory<byte>(t))]);
        Blocks.Add(transactions);
        Outcomes.Add(outcome);
        nonces.Clear();
        return outcome;
    }

    public void RunAll(params byte[][] transactions) => Assert.All(Run(transactions).Rejections, r => Assert.Null(r));

    /// <summary>The reason that one transaction alone in the next block is refused for.</summary>
    public RejectionReason? RunOne(TestKey key, TransactionBody body) => Run(Sign(key, body)).Rejections[0];

    public void Register()
    {
        var transactions = new List<byte[]>();
        for (int g = 0; g < Gateways.Length; g++)
        {
            transactions.Add(Sign(Gateways[g], new RegisterTrainingKey(Training[g].Public)));
            for (int d = 0; d < DevicesPerGateway; d++)
            {
                transactions.Add(Sign(Gateways[g], new RegisterDevice(DeviceOf(g, d))));
            }
        }

        RunAll([.. transactions]);
    }

    public void CreateTask() => RunAll(Sign(Admin, new CreateTask(Specification.Encode())));

    public SubmitStatistics Statistics(int gateway) => new(
        TaskId, [.. Enumerable.Range(0, DevicesPerGateway).Select(d => new DeviceStatistics(
            DeviceOf(gateway, d), 10, [.. Enumerable.Range(0, 12).Select(i => 10L * (i + d))],
            [.. Enumerable.Range(0, 12).Select(i => (10L * (i + d) * (i + d)) + 40)]))]);

    public void SubmitStatistics() =>
        RunAll([.. Enumerable.Range(0, Gateways.Length).Select(g => Sign(Gateways[g], Statistics(g)))]);

    /// <summary>Registration, task, statistics, and the block that opens round 1.</summary>
    public TestChain ToRoundOne()
    {
        Register();
        CreateTask();
        SubmitStatistics();
        Run();
        Assert.Equal(TaskPhase.Commit, Task.Phase);
        return this;
    }

    public byte[] Delta(
        int gateway, int device, sbyte[] values, int? round = null, Hash256? baseModel = null, TestKey? key = null,
        DeviceId? name = null) => (key ?? Training[gateway]).Sign(SignedDelta.Role, SignedDelta.EncodePayload(
            TaskId, round ?? Task.Round, baseModel ?? Task.Model.Hash, name ?? DeviceOf(gateway, device), values));

    public sbyte[] RandomValues(int seed, int spread = 40)
    {
        var random = new SplitMix64((ulong)seed);
        return [.. Enumerable.Range(0, ParameterCount).Select(_ => (sbyte)(random.Next((2 * spread) + 1) - spread))];
    }

    public CommitDeltas Commitment(params byte[][] deltas) => new(
        TaskId, Task.Round, MerkleTree.DeltaRoot(deltas.Select(d => Hash256.Of(d))), deltas.Length);

    public RevealDeltas Reveal(params byte[][] deltas) =>
        new(TaskId, Task.Round, [.. deltas.Select(d => new ReadOnlyMemory<byte>(d))]);

    /// <summary>A whole round in which every gateway takes part with these values.</summary>
    public BlockOutcome PlayRound(Func<int, int, sbyte[]> values)
    {
        byte[][][] deltas = [.. Enumerable.Range(0, Gateways.Length).Select(g =>
            Enumerable.Range(0, DevicesPerGateway).Select(d => Delta(g, d, values(g, d))).ToArray())];
        RunAll([.. deltas.Select((own, g) => Sign(Gateways[g], Commitment(own)))]);
        BlockOutcome outcome = Run([.. deltas.Select((own, g) => Sign(Gateways[g], Reveal(own)))]);
        Assert.All(outcome.Rejections, r => Assert.Null(r));
        return outcome;
    }
}
