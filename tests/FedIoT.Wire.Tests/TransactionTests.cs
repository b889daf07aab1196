using FedIoT.Wire.Transactions;

namespace FedIoT.Wire.Tests;

public sealed class TransactionTests
{
    private static readonly Hash256 Task = Hash256.Of([1]);

    private static readonly TransactionBody[] Bodies =
    [
        new RegisterGateway(TestKey.Ed25519(2).Public),
        new RegisterTrainingKey(TestKey.Ed25519(3).Public),
        new RegisterDevice(new DeviceId("fan-01")),
        new CreateTask(TaskSpecificationTests.Example().Encode()),
        new SubmitStatistics(Task, [new DeviceStatistics(new DeviceId("fan-01"), 2, [-3, 70_000], [5, 1L << 31])]),
        new CommitDeltas(Task, 1, Hash256.Of([2]), 21),
        new RevealDeltas(Task, 1, [new byte[] { 1, 2 }, new byte[] { 3 }]),
        new VotePower(new AccountId(Task), 7),
        new RotateNodeKey(TestKey.Ed25519(4).Public, TestKey.Ed25519(4).Sign(RotateNodeKey.ProofSignBytes(
            "demo", TestKey.Ed25519(1).Public.Account, TestKey.Ed25519(2).Public, TestKey.Ed25519(4).Public, 300))),
        new RevokeNodeKey(),
        new RecoverNodeKey(TestKey.Ed25519(1).Public.Account, TestKey.Ed25519(4).Public),
    ];

    [Fact]
    public void Encode_EveryKind_GivesThePinnedBytes()
    {
        foreach (TransactionBody body in Bodies)
        {
            GoldenBytes.Check($"payload-{body.Type}", TransactionCodec.EncodePayload("demo", 300, body));
        }

        GoldenBytes.Check("proof-RotateNodeKey", RotateNodeKey.ProofSignBytes(
            "demo", TestKey.Ed25519(1).Public.Account, TestKey.Ed25519(2).Public, TestKey.Ed25519(4).Public, 300));
        byte[] signed = TestKey.Ed25519(1).Sign(
            TransactionCodec.Role, TransactionCodec.EncodePayload("demo", 300, Bodies[2]));
        GoldenBytes.Check("transaction-RegisterDevice", signed);
    }

    [Fact]
    public void Bodies_CoverEveryKind() =>
        Assert.Equal(Enum.GetValues<TransactionType>().Order(), Bodies.Select(b => b.Type).Order());

    [Fact]
    public void Decode_EveryKind_RoundTrips()
    {
        foreach (TransactionBody body in Bodies)
        {
            byte[] payload = TransactionCodec.EncodePayload("demo", ulong.MaxValue, body);
            byte[] bytes = TestKey.Ed25519(1).Sign(TransactionCodec.Role, payload);
            Assert.True(TransactionCodec.TryDecode(bytes, out Transaction? transaction));
            Assert.Equal(Hash256.Of(bytes), transaction!.Hash);
            Assert.Equal(("demo", ulong.MaxValue, body.Type),
                (transaction.ChainId, transaction.Nonce, transaction.Body.Type));
            Assert.Equal(TestKey.Ed25519(1).Public.Account, transaction.Signer);
            Assert.Equal(payload, TransactionCodec.EncodePayload("demo", transaction.Nonce, transaction.Body));
        }
    }

    [Fact]
    public void Decode_CutFlippedOrRandomPayloads_AreRefusedOrRoundTrip()
    {
        const ulong Seed = 0x7261;
        var random = new SplitMix64(Seed);
        TestKey key = TestKey.Ed25519(1);
        foreach (TransactionBody body in Bodies)
        {
            byte[] payload = TransactionCodec.EncodePayload("demo", 300, body);
            for (int i = 0; i < payload.Length; i++)
            {
                Check(key, payload[..i], $"{body.Type} cut at {i}");
                for (int bit = 0; bit < 8; bit++)
                {
                    byte[] flipped = [.. payload];
                    flipped[i] ^= (byte)(1 << bit);
                    Check(key, flipped, $"{body.Type} byte {i} bit {bit}");
                }
            }

            for (int i = 0; i < 300; i++)
            {
                byte[] mixed = [.. payload];
                for (int change = random.Next(4); change >= 0; change--)
                {
                    mixed[random.Next(mixed.Length)] = (byte)random.Next(256);
                }

                Check(key, mixed, $"seed {Seed:x}, {body.Type}, case {i}");
            }
        }
    }

    [Fact]
    public void Decode_ClaimOfMoreItemsThanBytes_IsRefusedWithoutAllocating()
    {
        // A list that claims 2^31 - 1 device statistics, deltas or numbers in a few bytes.
        byte[] start = TransactionCodec.EncodePayload("demo", 1, new SubmitStatistics(Task, []));
        byte[] claim = [.. start[..^1], 0x9A, 0x7F, 0xFF, 0xFF, 0xFF];
        byte[] bytes = TestKey.Ed25519(1).Sign(TransactionCodec.Role, claim);
        Assert.False(TransactionCodec.TryDecode(bytes, out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(TransactionCodec.TryDecode(bytes, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 65_536);
    }

    [Fact]
    public void Decode_TooLong_IsRefused()
    {
        byte[] payload = TransactionCodec.EncodePayload(
            "demo", 1, new CreateTask(new byte[TransactionCodec.BytesMax]));
        Assert.False(TransactionCodec.TryDecode(TestKey.Ed25519(1).Sign(TransactionCodec.Role, payload), out _));
    }

    [Fact]
    public void ChainId_OutsideItsAlphabet_IsRefused()
    {
        Assert.True(TransactionCodec.IsValidChainId("demo-1"));
        Assert.False(TransactionCodec.IsValidChainId(""));
        Assert.False(TransactionCodec.IsValidChainId("Demo"));
        Assert.False(TransactionCodec.IsValidChainId(new string('a', 33)));
        Assert.Throws<ArgumentException>(() => TransactionCodec.EncodePayload("no way", 1, Bodies[2]));
    }

    [Fact]
    public void Statistics_ImpossibleSums_AreNotPlausible()
    {
        var good = new DeviceStatistics(new DeviceId("d"), 2, [-65_536, 65_534], [1L << 31, 2_147_352_578]);
        Assert.True(good.IsPlausible());
        DeviceStatistics[] bad =
        [
            good with { Count = 0 }, good with { Count = 1_000_001 }, good with { Sums = [-65_537, 0] },
            good with { Sums = [65_537, 0] }, good with { SquareSums = [(1L << 31) + 1, 1L << 31] },
            good with { SquareSums = [-1, 0], Sums = [0, 0] }, good with { SquareSums = [(1L << 31) - 1, 1L << 31] },
            good with { Sums = [0] }, good with { Sums = [long.MinValue, 0] },
        ];
        Assert.All(bad, b => Assert.False(b.IsPlausible(), b.ToString()));
    }

    [Fact]
    public void SignedDelta_Example_GivesThePinnedBytesAndRoundTrips()
    {
        byte[] payload = SignedDelta.EncodePayload(Task, 4, Hash256.Of([2]), new DeviceId("fan-01"), [-127, 0, 127]);
        GoldenBytes.Check("payload-SignedDelta", payload);
        byte[] bytes = TestKey.Ed25519(3).Sign(SignedDelta.Role, payload);
        Assert.True(SignedDelta.TryDecode(bytes, out SignedDelta? delta));
        Assert.Equal((Task, 4, Hash256.Of([2]), "fan-01"),
            (delta!.Task, delta.Round, delta.BaseModel, delta.Device.Text));
        Assert.Equal([-127, 0, 127], delta.Values.ToArray().Select(v => (int)v));
        Assert.Equal(Hash256.Of(bytes), delta.Hash);
        Assert.True(delta.Message.Verify(TestKey.Ed25519(3).Public, SignedDelta.Role));
        Assert.False(delta.Message.Verify(TestKey.Ed25519(3).Public, TransactionCodec.Role));
    }

    private static void Check(TestKey key, byte[] payload, string what)
    {
        // Not signed anew: decoding must hold for any payload, verified or not.
        byte[] bytes = Cose.CoseSign1.Assemble(key.Public, payload, new byte[64]);
        if (TransactionCodec.TryDecode(bytes, out Transaction? transaction))
        {
            byte[] again = TransactionCodec.EncodePayload(
                transaction!.ChainId, transaction.Nonce, transaction.Body);
            Assert.True(payload.AsSpan().SequenceEqual(again), what);
        }
    }
}
