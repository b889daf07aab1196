using System.Collections;
using System.Security.Cryptography.X509Certificates;
using nanoFramework.M2Mqtt.Messages;

// The names of nanoFramework's MQTT client, and behind them a record of what was asked of it.
namespace nanoFramework.M2Mqtt
{
    internal enum MqttProtocolVersion
    {
        Version_3_1_1 = 4,
    }

    internal enum MqttSslProtocols
    {
        None = 0,
        TLSv1_2 = 4,
    }

    internal sealed class MqttClient
    {
        private ushort lastId;

        public MqttClient(
            string host, int port, bool secure, X509Certificate? authority, X509Certificate? own,
            MqttSslProtocols protocol)
        {
            Endpoint = $"{host}:{port} secure {secure} {protocol} own {own is not null} ca {authority is not null}";
            Latest = this;
        }

        public delegate void MqttMsgPublishedEventHandler(object sender, MqttMsgPublishedEventArgs e);

        public event MqttMsgPublishedEventHandler? MqttMsgPublished;

        [field: ThreadStatic]
        public static MqttClient? Latest { get; private set; }

        [field: ThreadStatic]
        public static MqttReasonCode Answer { get; set; }

        public string Endpoint { get; }

        public string? Login { get; private set; }

        public List<(string Topic, byte[] Message)> Published { get; } = [];

        public bool IsConnected { get; set; }

        public bool IsDisposed { get; private set; }

        public MqttProtocolVersion ProtocolVersion { get; set; }

        public MqttReasonCode Connect(
            string clientId, string user, string password, bool willRetain, MqttQoSLevel willQos, bool hasWill,
            string? willTopic, string? willMessage, bool cleanSession, ushort keepAlive)
        {
            Login = $"{clientId} {user} {password} will {willRetain || hasWill || willQos != 0}"
                + $" {willTopic}{willMessage} clean {cleanSession} keep-alive {keepAlive}";
            IsConnected = Answer == MqttReasonCode.Success;
            return Answer;
        }

        public ushort Publish(
            string topic, byte[] message, string? contentType, ArrayList? properties, MqttQoSLevel level, bool retain)
        {
            if (contentType is not null || properties is not null || level != MqttQoSLevel.AtLeastOnce || retain)
            {
                throw new NotSupportedException();
            }

            Published.Add((topic, message));
            lastId++;
            return lastId;
        }

        public void Raise(ushort messageId, bool isPublished) =>
            MqttMsgPublished?.Invoke(
                this, new MqttMsgPublishedEventArgs { MessageId = messageId, IsPublished = isPublished });

        public void Dispose()
        {
            IsDisposed = true;
            IsConnected = false;
        }
    }
}

namespace nanoFramework.M2Mqtt.Messages
{
    internal enum MqttQoSLevel
    {
        AtMostOnce,
        AtLeastOnce,
    }

    internal enum MqttReasonCode
    {
        Success = 0,
        ConnectionRefusedNotAuthorized = 5,
    }

    internal sealed class MqttMsgPublishedEventArgs : EventArgs
    {
        public ushort MessageId { get; init; }

        public bool IsPublished { get; init; }
    }
}
