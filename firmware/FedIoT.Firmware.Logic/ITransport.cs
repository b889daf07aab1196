#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// The way to the gateway, MQTT QoS 1. The answer comes back through <see cref="SensorNode.OnAcknowledged"/>
    /// or <see cref="SensorNode.OnRefused"/>, on the thread that owns the node.
    /// </summary>
    public interface ITransport
    {
        /// <summary>Publishes a frame; called only while connected.</summary>
        /// <param name="sequence">Names the frame in the answer.</param>
        /// <param name="buffer">The frame, from index 0; the transport is done with it when the call returns.</param>
        /// <param name="length">Bytes of the frame.</param>
        /// <returns>False when the transport cannot take a frame now; the node asks again at a later tick.</returns>
        bool TrySend(uint sequence, byte[] buffer, int length);
    }
}
