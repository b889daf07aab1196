using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

public sealed class AdmissionTests
{
    [Fact]
    public void Check_ValidTransactionAhead_IsAdmitted()
    {
        var chain = new TestChain();
        var cache = new VerifiedSignatures();
        Assert.Null(chain.State.CheckTransaction(Device(chain, 1, "a"), cache));
        Assert.Null(chain.State.CheckTransaction(Device(chain, LedgerLimits.NoncesAheadMax, "b"), cache));
    }

    [Fact]
    public void Check_InvalidTransaction_SaysWhy()
    {
        var chain = new TestChain();
        var cache = new VerifiedSignatures();
        var gateway = new RegisterGateway(new TestKey(9).Public);
        byte[] broken = chain.Admin.Sign(gateway, 1);
        broken[^1] ^= 1;
        (RejectionReason, byte[])[] cases =
        [
            (RejectionReason.TooLarge, new byte[TransactionCodec.BytesMax + 1]),
            (RejectionReason.Malformed, [1, 2, 3]),
            (RejectionReason.WrongChain, chain.Admin.Sign(gateway, 1, "other")),
            (RejectionReason.UnknownSigner, new TestKey(9).Sign(gateway, 1)),
            (RejectionReason.NonceStale, chain.Admin.Sign(gateway, 0)),
            (RejectionReason.NonceGap, Device(chain, LedgerLimits.NoncesAheadMax + 1, "a")),
            (RejectionReason.BadSignature, broken),
            (RejectionReason.RecoveryReserved, chain.Validator.Sign(
                new RecoverNodeKey(chain.Admin.Id, new TestKey(9).Public), 1)),
            (RejectionReason.KeyProofInvalid, chain.Admin.Sign(
                chain.Rotation(chain.Admin, new TestKey(9), prover: chain.Admin), 1)),
            (RejectionReason.NotAdministrator, chain.Gateways[0].Sign(gateway, 1)),
            (RejectionReason.NotGateway, chain.Admin.Sign(new RegisterDevice(new DeviceId("a")), 1)),
            (RejectionReason.DeltaMalformed, chain.Gateways[0].Sign(new RevealDeltas(default, 1, [new byte[3]]), 1)),
            (RejectionReason.DeltaSignature, chain.Gateways[0].Sign(
                new RevealDeltas(default, 1, [chain.Training[0].Sign(SignedDelta.Role, SignedDelta.EncodePayload(
                    default, 1, default, new DeviceId("a"), [1]))]), 1)),
        ];
        foreach ((RejectionReason reason, byte[] transaction) in cases)
        {
            Assert.Equal(reason, chain.State.CheckTransaction(transaction, cache));
        }
    }

    [Fact]
    public void PrepareBlock_OutOfOrderCandidates_AreOrderedByNonceWithoutGaps()
    {
        var chain = new TestChain();
        byte[] first = Device(chain, 1, "a");
        byte[] second = Device(chain, 2, "b");
        byte[] fourth = Device(chain, 4, "d");
        byte[] other = chain.Gateways[1].Sign(new RegisterDevice(new DeviceId("x")), 1);
        IReadOnlyList<ReadOnlyMemory<byte>> chosen = chain.State.PrepareBlock(
            [new byte[] { 1 }, fourth, second, other, first, second], int.MaxValue);
        Assert.Equal([other, first, second], chosen.Select(t => t.ToArray()));
        Assert.All(chain.Run([.. chosen.Select(t => t.ToArray())]).Rejections, r => Assert.Null(r));
    }

    [Fact]
    public void PrepareBlock_LimitReached_LeavesTheRestAndItsSuccessors()
    {
        var chain = new TestChain();
        byte[] first = Device(chain, 1, "a");
        byte[] second = Device(chain, 2, "a-longer-name");
        byte[] third = Device(chain, 3, "c");
        var chosen = chain.State.PrepareBlock([first, second, third], first.Length + third.Length);
        Assert.Equal([first], chosen.Select(t => t.ToArray()));

        byte[][] expensive = [.. Enumerable.Range(1, 25).Select(i =>
            chain.Admin.Sign(new CreateTask(TestChain.MakeTask($"task {i}").Encode()), (ulong)i))];
        int fits = chain.State.PrepareBlock(
            [.. expensive.Select(t => new ReadOnlyMemory<byte>(t))], int.MaxValue).Count;
        Assert.Equal((int)(LedgerLimits.BlockGasMax / (Gas.TaskCreation + Gas.Signature + Gas.Base)), fits);
        Assert.True(chain.Run([.. expensive.Take(fits)]).GasUsed <= LedgerLimits.BlockGasMax);
    }

    [Fact]
    public void MayFollow_WhatPrepareBlockMakes_Is()
    {
        var chain = new TestChain();
        byte[][] devices = [.. Enumerable.Range(1, 5).Select(i => Device(chain, (ulong)i, $"d{i}"))];
        byte[] other = chain.Gateways[1].Sign(new RegisterDevice(new DeviceId("x")), 1);
        Assert.True(chain.State.MayFollow([]));
        Assert.True(chain.State.MayFollow(chain.State.PrepareBlock(
            [devices[3], devices[1], other, devices[0], devices[2]], int.MaxValue)));
        Assert.False(chain.State.MayFollow([devices[1], devices[0]]));
        Assert.False(chain.State.MayFollow([devices[0], devices[2]]));
        Assert.False(chain.State.MayFollow([devices[0], devices[0]]));
        Assert.False(chain.State.MayFollow([devices[0], new byte[] { 1 }]));
        Assert.False(chain.State.MayFollow([chain.Gateways[0].Sign(new RegisterDevice(new DeviceId("a")), 0)]));
        Assert.False(chain.State.MayFollow([new TestKey(9).Sign(new RegisterDevice(new DeviceId("a")), 1)]));
        byte[][] expensive = [.. Enumerable.Range(1, 25).Select(i =>
            chain.Admin.Sign(new CreateTask(TestChain.MakeTask($"task {i}").Encode()), (ulong)i))];
        Assert.False(chain.State.MayFollow([.. expensive.Select(t => (ReadOnlyMemory<byte>)t)]));
    }

    [Fact]
    public void MayFollow_OfAFullBlockInReverse_TakesOnePass()
    {
        // A dishonest proposer needs no valid signatures for this. Choosing again, pass by pass, costs the square.
        var chain = new TestChain();
        byte[] one = Device(chain, 1, "a");
        Assert.True(TransactionCodec.TryDecode(one, out Transaction? signed));
        ReadOnlyMemory<byte>[] block = [.. Enumerable.Range(1, 16_000).Reverse().Select(nonce =>
            (ReadOnlyMemory<byte>)CoseSign1.Assemble(
                chain.Gateways[0].Public,
                TransactionCodec.EncodePayload(TestChain.ChainId, (ulong)nonce, signed!.Body), new byte[64]))];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.False(chain.State.MayFollow(block));
        Assert.True(chain.State.MayFollow([.. block.Reverse().Take(8_000)]));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60)); // the square would take minutes
    }

    [Fact]
    public void Gas_OfEveryKind_FollowsTheSpecification()
    {
        TestChain chain = new TestChain().ToRoundOne();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(1));
        Assert.Equal(0, Extra(chain.Commitment(delta)));
        Assert.Equal(Gas.Signature + (Gas.DeltaByte * delta.Length), Extra(chain.Reveal(delta)));
        Assert.Equal(Gas.TaskCreation, Extra(new CreateTask(new byte[9])));
        Assert.Equal(2 * 24 * Gas.StatisticsNumber, Extra(chain.Statistics(0)));

        long Extra(TransactionBody body)
        {
            byte[] bytes = chain.Gateways[0].Sign(body, 1);
            Assert.True(TransactionCodec.TryDecode(bytes, out Transaction? transaction));
            return Gas.Of(transaction!) - Gas.Base - Gas.Signature - bytes.Length;
        }
    }

    private static byte[] Device(TestChain chain, ulong nonce, string name) =>
        chain.Gateways[0].Sign(new RegisterDevice(new DeviceId(name)), nonce);
}
