#nullable disable

using System;
using System.Security.Cryptography.X509Certificates;
using FedIoT.Firmware.Logic.Board;
using nanoFramework.M2Mqtt;
using nanoFramework.M2Mqtt.Messages;

namespace FedIoT.Firmware.Device
{
    /// <summary>
    /// The node's way to the gateway over M2Mqtt. MQTT 3.1.1, because M2Mqtt reports every PUBACK as published,
    /// whatever reason MQTT 5 gives. Answers come on the client's thread and wait here for the node's owner.
    /// </summary>
    internal sealed class MqttLink : ILink
    {
        private const ushort KeepAliveSeconds = 30;

        private readonly AnswerTable table = new AnswerTable(); // locked: two threads use it
        private readonly DeviceConfiguration configuration;
        private readonly X509Certificate authority; // the only one trusted; none for no TLS
        private readonly string password;
        private MqttClient client;

        internal MqttLink(DeviceConfiguration configuration, X509Certificate authority, string password)
        {
            this.configuration = configuration;
            this.authority = authority;
            this.password = password;
        }

        /// <inheritdoc/>
        public bool IsConnected
        {
            get { return client != null && client.IsConnected; }
        }

        /// <summary>Connects with a new client: a used one keeps threads and queues of its lost connection.</summary>
        internal void Connect()
        {
            if (client != null)
            {
                client.MqttMsgPublished -= OnPublished;
                client.Dispose();
            }

            client = new MqttClient(
                configuration.GatewayHost, configuration.GatewayPort, authority != null, authority, null,
                authority == null ? MqttSslProtocols.None : MqttSslProtocols.TLSv1_2);
            client.ProtocolVersion = MqttProtocolVersion.Version_3_1_1;
            lock (table)
            {
                table.OnDisconnected();
            }

            client.MqttMsgPublished += OnPublished;
            MqttReasonCode code = client.Connect(
                configuration.DeviceId, configuration.DeviceId, password, false, MqttQoSLevel.AtMostOnce, false, null,
                null, true, KeepAliveSeconds);
            if (code != MqttReasonCode.Success)
            {
                throw new InvalidOperationException("The gateway refused the connection: " + ((int)code).ToString());
            }
        }

        /// <inheritdoc/>
        public bool TrySend(uint sequence, byte[] buffer, int length)
        {
            byte[] message = new byte[length]; // the client keeps it until it is answered
            Array.Copy(buffer, 0, message, 0, length);
            lock (table) // the answer may come before the id is noted
            {
                table.OnSent(client.Publish("f1/" + configuration.DeviceId + "/t", message, null, null,
                    MqttQoSLevel.AtLeastOnce, false), sequence);
            }

            return true;
        }

        /// <inheritdoc/>
        public bool TryTakeAnswer(out uint sequence)
        {
            lock (table)
            {
                return table.TryTake(out sequence);
            }
        }

        private void OnPublished(object sender, MqttMsgPublishedEventArgs e)
        {
            lock (table)
            {
                if (sender == client && e.IsPublished)
                {
                    table.OnAnswered(e.MessageId);
                }
            }
        }
    }
}
