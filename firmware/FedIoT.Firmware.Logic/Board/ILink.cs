#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>A transport that keeps its answers until they are asked for.</summary>
    public interface ILink : ITransport
    {
        /// <summary>False as soon as the connection is known to be lost.</summary>
        bool IsConnected { get; }

        /// <summary>The sequence of a frame that was answered since the last call; false when there is none.</summary>
        bool TryTakeAnswer(out uint sequence);
    }
}
