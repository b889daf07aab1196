// Signatures of .NET nanoFramework's M2Mqtt 5.1, as far as the device uses them. Never runs.

using System;

namespace nanoFramework.M2Mqtt.Messages
{
    public enum MqttQoSLevel
    {
        AtMostOnce = 0,
        AtLeastOnce = 1,
        ExactlyOnce = 2,
    }

    public enum MqttReasonCode
    {
        Success = 0,
    }

    public class MqttMsgPublishedEventArgs : EventArgs
    {
        public extern ushort MessageId { get; set; }

        public extern bool IsPublished { get; set; }
    }
}
