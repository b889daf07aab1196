using System.Text;
using FedIoT.Firmware.Device;
using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Logic.Board;
using nanoFramework.M2Mqtt;
using nanoFramework.M2Mqtt.Messages;
using Xunit;

namespace FedIoT.Firmware.Tests.Device;

public class MqttLinkTests
{
    private readonly DeviceConfiguration board = BoardTexts.Read(BoardTexts.Complete);
    private readonly MqttLink link;

    public MqttLinkTests()
    {
        MqttClient.Answer = MqttReasonCode.Success;
        link = new MqttLink(board, null, "secret");
    }

    [Fact]
    public void Connect_NoAuthority_IsPlainWithTheDevicesNameAndACleanSession()
    {
        Assert.False(link.IsConnected);
        link.Connect();

        Assert.True(link.IsConnected);
        Assert.Equal("gateway.local:1883 secure False None own False ca False", Client.Endpoint);
        Assert.Equal("d-1 d-1 secret will False  clean True keep-alive 30", Client.Login);
        Assert.Equal(MqttProtocolVersion.Version_3_1_1, Client.ProtocolVersion);
    }

    [Fact]
    public void Connect_Refused_Throws()
    {
        MqttClient.Answer = MqttReasonCode.ConnectionRefusedNotAuthorized;

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(link.Connect);

        Assert.EndsWith(" 5", error.Message, StringComparison.Ordinal);
        Assert.False(link.IsConnected);
    }

    [Fact]
    public void TrySend_Frame_IsCopiedAndAnsweredBySequence()
    {
        link.Connect();
        byte[] buffer = [1, 2, 3, 4];

        Assert.True(link.TrySend(77, buffer, 3));
        buffer[0] = 9;
        Assert.True(link.TrySend(78, buffer, 4));
        Client.Raise(2, true);
        Client.Raise(2, true); // answered already
        Client.Raise(9, true); // never sent

        Assert.Equal("f1/d-1/t", Client.Published[0].Topic);
        Assert.Equal([1, 2, 3], Client.Published[0].Message);
        Assert.True(link.TryTakeAnswer(out uint sequence));
        Assert.Equal(78u, sequence);
        Assert.False(link.TryTakeAnswer(out _));
    }

    [Fact]
    public void Raise_NotPublishedOrFromALostClient_IsNoAnswer()
    {
        link.Connect();
        MqttClient lost = Client;
        link.TrySend(1, [1], 1);
        lost.Raise(1, false);
        link.Connect();
        link.TrySend(2, [1], 1);
        lost.Raise(1, true);

        Assert.True(lost.IsDisposed);
        Assert.NotSame(lost, Client);
        Assert.False(link.TryTakeAnswer(out _));
    }

    [Fact]
    public void Tick_ConnectionLostAndMadeAgain_RepeatsTheFrameUntilItIsAnswered()
    {
        SensorNode node = CreateNode(out LinkPump pump);
        Assert.True(pump.Tick(0));
        link.Connect();
        pump.OnConnected();
        Assert.False(pump.Tick(0));
        byte[] first = Client.Published.Single().Message;

        Client.IsConnected = false;
        Assert.False(pump.Tick(100)); // waits before it connects
        Assert.False(node.IsConnected);
        Assert.True(pump.Tick(700));
        pump.OnFailed(700); // no network
        Assert.False(pump.Tick(701));
        Assert.True(pump.Tick(2000));
        link.Connect();
        pump.OnConnected();
        pump.Tick(2000);
        Client.Raise(1, true);
        pump.Tick(2100);

        Assert.Equal(first, Client.Published.Single().Message);
        Assert.Equal((1u, 0), (node.FramesAcknowledged, node.FramesHeld));
    }

    [Fact]
    public void AnswerTable_IdsBeyondItsSize_LoseTheOldest()
    {
        var table = new AnswerTable();
        for (ushort id = 1; id <= AnswerTable.Capacity + 1; id++)
        {
            table.OnSent(id, id * 10u);
        }

        table.OnAnswered(0);
        table.OnAnswered(1);
        Assert.False(table.TryTake(out _));
        table.OnAnswered(2);
        table.OnDisconnected();
        table.OnAnswered(3);

        Assert.True(table.TryTake(out uint sequence));
        Assert.Equal(20u, sequence);
        Assert.False(table.TryTake(out _));
    }

    [Fact]
    public void Proof_OfTheDocumentedKey_IsTheDocumentedPassword()
    {
        var native = new NativeHmac(board.Key);

        Assert.Equal(
            "801a209f37e5a280b676909918fc220248dc5ceefad6172a8b5d0d726384e262", DeviceProof.Password(native));
        Assert.Equal(DeviceProof.Password(new HmacSha256(board.Key)), DeviceProof.Password(native));
        Assert.NotEqual(DeviceProof.Seed(native, 1), DeviceProof.Seed(native, 2));
    }

    [Fact]
    public void SelfTest_RightAndWrongCode_IsTold()
    {
        Assert.True(new NativeHmac(board.Key).SelfTest());
        Assert.False(DeviceProof.IsRight(new NativeHmac(Encoding.ASCII.GetBytes("jefe"))));
    }

    private static MqttClient Client => MqttClient.Latest!;

    private SensorNode CreateNode(out LinkPump pump)
    {
        var node = new SensorNode(board.ForNode(1, 1), new NativeHmac(board.Key), link);
        for (int i = 0; i < 16; i++)
        {
            node.OnSample([(short)i, 0, 0], 0, i == 0, 0);
        }

        pump = new LinkPump(node, link);
        return node;
    }
}
