#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>A sensor that samples by its own clock into a queue. Used by one thread; nothing allocates.</summary>
    public interface ISampleSource
    {
        /// <summary>Resets the sensor, and starts with an empty queue; false when it does not answer.</summary>
        bool TryStart();

        /// <summary>Samples in the queue; -1 when the sensor does not answer, -2 when some were lost.</summary>
        int SamplesWaiting();

        /// <summary>Takes the oldest sample; false when the sensor does not answer.</summary>
        bool TryTake(short[] sample);

        /// <summary>Empties the queue, which fills again; false when the sensor does not answer.</summary>
        bool TryClear();
    }
}
