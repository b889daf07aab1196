using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>Every reason provoked in a block; <see cref="EveryReason_IsProvoked"/> keeps the list complete.</summary>
public sealed class RejectionTests
{
    private static readonly Dictionary<RejectionReason, Func<TestChain, RejectionReason?>> Provocations = new()
    {
        [RejectionReason.TooLarge] = c => c.Run(new byte[TransactionCodec.BytesMax + 1]).Rejections[0],
        [RejectionReason.Malformed] = c => c.Run([0x80]).Rejections[0],
        [RejectionReason.WrongChain] = c => c.Run(c.Admin.Sign(Gateway(9), 1, "other")).Rejections[0],
        [RejectionReason.UnknownSigner] = c => c.Run(new TestKey(99).Sign(Gateway(9), 1)).Rejections[0],
        [RejectionReason.BadSignature] = c => c.Run(Corrupted(c.Admin.Sign(Gateway(9), 1))).Rejections[0],
        [RejectionReason.NonceStale] = c => c.Run(c.Admin.Sign(Gateway(9), 0)).Rejections[0],
        [RejectionReason.NonceGap] = c => c.Run(c.Admin.Sign(Gateway(9), 2)).Rejections[0],
        [RejectionReason.BlockGasExceeded] = ExceedGas,
        [RejectionReason.KeyRetired] = c =>
        {
            c.Rotate(c.Gateways[0], new TestKey(80));
            return c.Run(c.Gateways[0].Sign(new RegisterDevice(new DeviceId("d")), 2)).Rejections[0];
        },
        [RejectionReason.KeyRevoked] = c =>
        {
            c.RunAll(c.Sign(c.Gateways[0], new RevokeNodeKey()));
            return c.Run(c.Gateways[0].Sign(new RegisterDevice(new DeviceId("d")), 2)).Rejections[0];
        },
        [RejectionReason.TrainingKeyUsed] = c =>
        {
            c.Register();
            return c.RunOne(c.Gateways[0], new RegisterTrainingKey(c.Training[0].Public));
        },
        [RejectionReason.TrainingKeyTooSoon] = c =>
        {
            c.ToRoundOne();
            c.RunAll(c.Sign(c.Gateways[0], new RegisterTrainingKey(new TestKey(81).Public)));
            return c.RunOne(c.Gateways[0], new RegisterTrainingKey(new TestKey(82).Public));
        },
        [RejectionReason.NodeKeyUsed] = c =>
            c.RunOne(c.Gateways[0], c.Rotation(c.Gateways[0], c.Gateways[1])),
        [RejectionReason.RotationTooSoon] = c =>
        {
            c.Rotate(c.Gateways[0], new TestKey(80));
            return c.RunOne(new TestKey(80), c.Rotation(new TestKey(80), new TestKey(81)));
        },
        [RejectionReason.TooManyRotations] = ExhaustRotations,
        [RejectionReason.KeyProofInvalid] = c =>
            c.RunOne(c.Gateways[0], c.Rotation(c.Gateways[0], new TestKey(80), prover: c.Gateways[0])),
        [RejectionReason.LastValidator] = c => c.RunOne(c.Validator, new RevokeNodeKey()),
        [RejectionReason.RecoveryReserved] = c =>
            c.RunOne(c.Validator, new RecoverNodeKey(c.Gateways[0].Id, new TestKey(80).Public)),
        [RejectionReason.NotAdministrator] = c => c.RunOne(c.Gateways[0], Gateway(9)),
        [RejectionReason.NotGateway] = c => c.RunOne(c.Admin, new RegisterDevice(new DeviceId("d"))),
        [RejectionReason.GatewayExists] = c => c.RunOne(c.Admin, new RegisterGateway(c.Gateways[0].Public)),
        [RejectionReason.TrainingKeyAlgorithm] = c => c.RunOne(c.Gateways[0], new RegisterTrainingKey(P256Key())),
        [RejectionReason.DeviceExists] = c =>
        {
            c.Register();
            return c.RunOne(c.Gateways[1], new RegisterDevice(TestChain.DeviceOf(0, 0)));
        },
        [RejectionReason.TaskMalformed] = c => c.RunOne(c.Admin, new CreateTask(new byte[] { 1 })),
        [RejectionReason.TaskTooLarge] = c =>
            c.RunOne(c.Admin, new CreateTask(TestChain.MakeTask(hidden: 65_000).Encode())),
        [RejectionReason.TaskExists] = c =>
        {
            c.CreateTask();
            return c.RunOne(c.Admin, new CreateTask(TestChain.MakeTask(rounds: 99).Encode()));
        },
        [RejectionReason.TooManyTasks] = c =>
        {
            for (int i = 0; i < LedgerLimits.TasksMax; i++)
            {
                c.RunAll(c.Sign(c.Admin, new CreateTask(TestChain.MakeTask($"task {i}").Encode())));
            }

            return c.RunOne(c.Admin, new CreateTask(TestChain.MakeTask("one more").Encode()));
        },
        [RejectionReason.UnknownTask] = c => c.RunOne(c.Gateways[0], new CommitDeltas(c.TaskId, 1, default, 0)),
        [RejectionReason.WrongPhase] = c =>
        {
            c.CreateTask();
            return c.RunOne(c.Gateways[0], new CommitDeltas(c.TaskId, 1, default, 0));
        },
        [RejectionReason.WrongRound] = c => c.ToRoundOne().RunOne(
            c.Gateways[0], new CommitDeltas(c.TaskId, 2, default, 0)),
        [RejectionReason.StatisticsExist] = c =>
        {
            c.Register();
            c.CreateTask();
            c.RunAll(c.Sign(c.Gateways[0], c.Statistics(0)));
            return c.RunOne(c.Gateways[0], c.Statistics(0));
        },
        [RejectionReason.StatisticsShape] = c => Submit(c, s => s with { Devices = [] }),
        [RejectionReason.StatisticsOutOfRange] = c => Submit(c, s => s with
        {
            Devices = [s.Devices[0] with { Count = 0 }, s.Devices[1]],
        }),
        [RejectionReason.DeviceOrder] = c => Submit(c, s => s with { Devices = [s.Devices[1], s.Devices[0]] }),
        [RejectionReason.DeviceNotOwned] = c => Submit(c, _ => c.Statistics(1)),
        [RejectionReason.NotExpected] = NotExpected,
        [RejectionReason.AlreadyCommitted] = c =>
        {
            c.ToRoundOne().RunAll(c.Sign(c.Gateways[0], c.Commitment()));
            return c.RunOne(c.Gateways[0], c.Commitment());
        },
        [RejectionReason.TooManyDeltas] = c =>
            c.ToRoundOne().RunOne(c.Gateways[0], new CommitDeltas(c.TaskId, 1, default, 3)),
        [RejectionReason.NothingCommitted] = c =>
        {
            c.ToRoundOne().RunAll(
                c.Sign(c.Gateways[0], c.Commitment()), c.Sign(c.Gateways[1], c.Commitment(new byte[1])),
                c.Sign(c.Gateways[2], c.Commitment()));
            return c.RunOne(c.Gateways[0], c.Reveal());
        },
        [RejectionReason.AlreadyRevealed] = AlreadyRevealed,
        [RejectionReason.RevealMismatch] = c =>
        {
            byte[] delta = c.ToRoundOne().Delta(0, 0, c.RandomValues(1));
            CommitAll(c, delta);
            return c.RunOne(c.Gateways[0], c.Reveal(c.Delta(0, 0, c.RandomValues(2))));
        },
        [RejectionReason.DeltaMalformed] = c => RevealOf(c, _ => [new byte[7]]),
        [RejectionReason.DeltaSignature] = c =>
            RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1), key: d.Training[1])]),
        [RejectionReason.DeltaElsewhere] = c => RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1), round: 2)]),
        [RejectionReason.DeltaBase] = c => RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1), baseModel: d.TaskId)]),
        [RejectionReason.DeltaLength] = c => RevealOf(c, d => [d.Delta(0, 0, [.. d.RandomValues(1), 0])]),
        [RejectionReason.DeltaRange] = c => RevealOf(c, d => [d.Delta(0, 0, [.. d.RandomValues(1)[1..], -128])]),
        [RejectionReason.DeltaDevice] = c =>
            RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1), name: TestChain.DeviceOf(1, 0))]),
        [RejectionReason.DeltaOrder] = c =>
            RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1)), d.Delta(0, 0, d.RandomValues(2))]),
        [RejectionReason.DeltaDuplicate] = c =>
            RevealOf(c, d => [d.Delta(0, 0, d.RandomValues(1)), d.Delta(0, 1, d.RandomValues(1))]),
        [RejectionReason.NotValidator] = c => c.RunOne(c.Gateways[0], new VotePower(c.Gateways[1].Id, 1)),
        [RejectionReason.NotCandidate] = c => c.RunOne(c.Validator, new VotePower(c.Admin.Id, 1)),
        [RejectionReason.PowerOutOfRange] = c => c.RunOne(c.Validator, new VotePower(c.Validator.Id, 0)),
        [RejectionReason.PowerUnchanged] = c => c.RunOne(c.Validator, new VotePower(c.Gateways[0].Id, 0)),
    };

    /// <summary>Reasons that need a chain too large for a short script: they have tests of their own.</summary>
    private static readonly RejectionReason[] Elsewhere =
    [
        RejectionReason.TooManyGateways, RejectionReason.TooManyDevices, RejectionReason.RoundFull,
        RejectionReason.TooManyVotes,
        // These need consensus messages:
        RejectionReason.EvidenceStale, RejectionReason.EvidenceOutsideKey, RejectionReason.EvidenceTooOld,
        RejectionReason.EvidenceTooEarly,
    ];

    public static readonly TheoryData<RejectionReason> Reasons = [.. Provocations.Keys];

    [Theory]
    [MemberData(nameof(Reasons))]
    public void Execute_Provoked_RejectsWithTheReason(RejectionReason reason)
    {
        var chain = new TestChain();
        Assert.Equal(reason, Provocations[reason](chain));
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public void Execute_Rejected_ChangesNothingButNonceAndStrikes(RejectionReason reason)
    {
        var chain = new TestChain();
        Provocations[reason](chain);
        LedgerState after = chain.State;
        LedgerState before = Replay(chain, chain.Blocks.Count - 1);
        int last = chain.Blocks[^1].Length - 1;
        if (chain.Blocks[^1].Length > 1)
        {
            return; // the gas test: its other transactions are applied
        }

        Assert.Equal(reason, chain.Outcomes[^1].Rejections[last]);
        if ((int)reason < 20)
        {
            Assert.Equal(before.StateRoot, after.StateRoot);
            return;
        }

        Assert.Equal(before.Devices, after.Devices);
        AccountId signer = chain.Blocks[^1].Select(t => before.FindHolder(Signer(t))!.Id).Single();
        foreach ((AccountId id, Account account) in after.Accounts)
        {
            Account expected = before.Accounts[id];
            expected = id == signer
                ? expected with { Nonce = expected.Nonce + 1, Strikes = account.Strikes }
                : expected;
            Assert.Equal(expected, account);
        }

        bool fault = reason >= RejectionReason.RevealMismatch;
        Assert.Equal(before.Faults.Count + (fault ? 1 : 0), after.Faults.Count);
        Assert.Equal(before.Tasks.Keys, after.Tasks.Keys);
    }

    [Fact]
    public void EveryReason_IsProvoked() =>
        Assert.Equal(Enum.GetValues<RejectionReason>().Order(), Provocations.Keys.Concat(Elsewhere).Order());

    [Fact]
    public void Commit_MoreThanARoundTakes_IsRefusedAsFull()
    {
        var chain = new TestChain(gateways: 2, devicesPerGateway: 600) { Specification = TestChain.MakeTask() };
        chain.ToRoundOne();
        chain.RunAll(chain.Sign(chain.Gateways[0], new CommitDeltas(chain.TaskId, 1, default, 600)));
        Assert.Equal(RejectionReason.RoundFull, chain.RunOne(
            chain.Gateways[1], new CommitDeltas(chain.TaskId, 1, default, 425)));
        Assert.Null(chain.RunOne(chain.Gateways[1], new CommitDeltas(chain.TaskId, 1, default, 424)));
    }

    [Fact]
    public void RegisterDevice_BeyondTheMost_IsRefused()
    {
        var chain = new TestChain(gateways: 1);
        for (int i = 0; i < LedgerLimits.DevicesMax; i += 4096)
        {
            chain.RunAll([.. Enumerable.Range(i, 4096).Select(d =>
                chain.Sign(chain.Gateways[0], new RegisterDevice(new DeviceId($"d{d}"))))]);
        }

        Assert.Equal(RejectionReason.TooManyDevices, chain.RunOne(
            chain.Gateways[0], new RegisterDevice(new DeviceId("one-more"))));
    }

    [Fact]
    public void RegisterGateway_BeyondTheMost_IsRefused()
    {
        var admin = new TestKey(1);
        var genesis = new Genesis(
            TestChain.ChainId, [new GenesisValidator(new TestKey(2).Public, 1)],
            Enumerable.Range(0, LedgerLimits.GatewaysMax).Select(i => new TestKey(10_000 + i).Public), [admin.Public]);
        LedgerState state = LedgerState.FromGenesis(genesis);
        BlockOutcome outcome = state.Execute(new Height(1), admin.Id, [admin.Sign(Gateway(9), 1)]).Outcome;
        Assert.Equal([RejectionReason.TooManyGateways], outcome.Rejections);
    }

    internal static LedgerState Replay(TestChain chain, int blocks)
    {
        LedgerState state = LedgerState.FromGenesis(chain.Genesis);
        foreach (byte[][] block in chain.Blocks.Take(blocks))
        {
            state = state.Execute(
                state.Height.Next, chain.Validator.Id, [.. block.Select(t => new ReadOnlyMemory<byte>(t))]).Next;
        }

        return state;
    }

    private static AccountId Signer(byte[] transaction)
    {
        Assert.True(TransactionCodec.TryDecode(transaction, out Transaction? decoded));
        return decoded!.Signer;
    }

    private static RegisterGateway Gateway(int seed) => new(new TestKey(seed).Public);

    private static byte[] Corrupted(byte[] transaction)
    {
        transaction[^1] ^= 1;
        return transaction;
    }

    private static VerifyingKey P256Key()
    {
        // The base point of P-256 is a valid public key (for the private key 1).
        byte[] point = Convert.FromHexString(
            "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
            + "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5");
        Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.Es256, point, out VerifyingKey? key));
        return key!;
    }

    private static RejectionReason? ExhaustRotations(TestChain chain)
    {
        for (int i = 0; i < LedgerLimits.RotationsMax; i++)
        {
            chain.Rotate(KeyOf(i), KeyOf(i + 1));
            chain.Run(); // the new key comes into force
        }

        TestKey last = KeyOf(LedgerLimits.RotationsMax);
        return chain.RunOne(last, chain.Rotation(last, new TestKey(80)));

        TestKey KeyOf(int number) => number == 0 ? chain.Gateways[0] : new TestKey(5_000 + number);
    }

    private static RejectionReason? ExceedGas(TestChain chain)
    {
        byte[] large = TestChain.MakeTask("x").Encode();
        int fits = (int)(LedgerLimits.BlockGasMax / Gas.TaskCreation); // the last one exceeds by its bytes
        return chain.Run([.. Enumerable.Range(0, fits)
            .Select(i => chain.Sign(chain.Admin, new CreateTask(large)))]).Rejections[^1];
    }

    private static RejectionReason? Submit(TestChain chain, Func<SubmitStatistics, SubmitStatistics> change)
    {
        chain.Register();
        chain.CreateTask();
        return chain.RunOne(chain.Gateways[0], change(chain.Statistics(0)));
    }

    private static RejectionReason? NotExpected(TestChain chain)
    {
        chain.ToRoundOne();
        var late = new TestKey(77);
        chain.RunAll(
            chain.Sign(chain.Admin, new RegisterGateway(late.Public)),
            chain.Sign(late, new RegisterTrainingKey(new TestKey(78).Public)),
            chain.Sign(late, new RegisterDevice(new DeviceId("late"))));
        return chain.RunOne(late, chain.Commitment());
    }

    private static RejectionReason? AlreadyRevealed(TestChain chain)
    {
        byte[] first = chain.ToRoundOne().Delta(0, 0, chain.RandomValues(1));
        byte[] second = chain.Delta(1, 0, chain.RandomValues(2));
        chain.RunAll(
            chain.Sign(chain.Gateways[0], chain.Commitment(first)),
            chain.Sign(chain.Gateways[1], chain.Commitment(second)),
            chain.Sign(chain.Gateways[2], chain.Commitment()));
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Reveal(first)));
        return chain.RunOne(chain.Gateways[0], chain.Reveal(first));
    }

    private static void CommitAll(TestChain chain, params byte[][] deltas) => chain.RunAll(
        chain.Sign(chain.Gateways[0], chain.Commitment(deltas)),
        chain.Sign(chain.Gateways[1], chain.Commitment(chain.Delta(1, 0, chain.RandomValues(9)))),
        chain.Sign(chain.Gateways[2], chain.Commitment()));

    private static RejectionReason? RevealOf(TestChain chain, Func<TestChain, byte[][]> make)
    {
        byte[][] deltas = make(chain.ToRoundOne());
        CommitAll(chain, deltas);
        return chain.RunOne(chain.Gateways[0], chain.Reveal(deltas));
    }
}
