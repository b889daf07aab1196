#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Ring of encoded frames under the sequence numbers they carry. A frame stays until it is answered; when the
    /// ring has gone round, the oldest frame gives way and is counted. Takes all memory in the constructor.
    /// </summary>
    internal sealed class FrameSpool
    {
        private const byte Free = 0;
        private const byte Waiting = 1;
        private const byte InFlight = 2;

        private readonly int capacity;
        private readonly byte[][] buffers;
        private readonly int[] lengths;
        private readonly uint[] sequences;
        private readonly byte[] states;
        private readonly int[] attempts;
        private readonly int[] timeoutsMs;
        private uint nextSequence = 1;
        private int heldCount;
        private int inFlightCount;

        internal FrameSpool(int capacity, int frameBytes)
        {
            this.capacity = capacity;
            buffers = new byte[capacity][];
            for (int i = 0; i < capacity; i++)
            {
                buffers[i] = new byte[frameBytes];
            }

            lengths = new int[capacity];
            sequences = new uint[capacity];
            states = new byte[capacity];
            attempts = new int[capacity];
            timeoutsMs = new int[capacity];
        }

        /// <summary>Sequence of the next frame; 0 when all 2^32 - 1 of this boot are used.</summary>
        internal uint NextSequence
        {
            get { return nextSequence; }
        }

        /// <summary>True when the next frame pushes out no other.</summary>
        internal bool HasRoom
        {
            get { return states[SlotOf(nextSequence)] == Free; }
        }

        /// <summary>Frames not answered yet.</summary>
        internal int HeldCount
        {
            get { return heldCount; }
        }

        internal int InFlightCount
        {
            get { return inFlightCount; }
        }

        /// <summary>Buffer for the next frame, which makes room by dropping the oldest when it must.</summary>
        /// <returns>True when a frame was dropped.</returns>
        internal bool Reserve(out byte[] buffer)
        {
            int slot = SlotOf(nextSequence);
            bool drops = states[slot] != Free;
            Release(slot);
            buffer = buffers[slot];
            return drops;
        }

        /// <summary>Keeps the frame written to the reserved buffer.</summary>
        internal void Append(int length)
        {
            int slot = SlotOf(nextSequence);
            lengths[slot] = length;
            sequences[slot] = nextSequence;
            states[slot] = Waiting;
            attempts[slot] = 0;
            heldCount++;
            unchecked
            {
                nextSequence++;
            }
        }

        /// <summary>Frees an answered frame; false for one that is not here any more.</summary>
        internal bool Remove(uint sequence)
        {
            int slot = SlotOf(sequence);
            if (states[slot] == Free || sequences[slot] != sequence)
            {
                return false;
            }

            Release(slot);
            return true;
        }

        /// <summary>After a lost connection nothing is in flight: everything is to be sent again.</summary>
        internal void RecallAll()
        {
            for (int slot = 0; slot < capacity; slot++)
            {
                if (states[slot] == InFlight)
                {
                    states[slot] = Waiting;
                }
            }

            inFlightCount = 0;
        }

        /// <summary>Recalls frames whose answer is overdue.</summary>
        internal void RecallOverdue(int nowMs)
        {
            for (int slot = 0; slot < capacity && inFlightCount > 0; slot++)
            {
                if (states[slot] == InFlight && unchecked(nowMs - timeoutsMs[slot]) >= 0)
                {
                    states[slot] = Waiting;
                    inFlightCount--;
                }
            }
        }

        /// <summary>Slot of the oldest frame to send; -1 for none.</summary>
        internal int FindWaiting()
        {
            if (heldCount == inFlightCount)
            {
                return -1;
            }

            int slot = SlotOf(nextSequence); // the oldest sequence that the ring can hold
            for (int i = 0; i < capacity; i++)
            {
                if (states[slot] == Waiting)
                {
                    return slot;
                }

                slot = slot + 1 == capacity ? 0 : slot + 1;
            }

            return -1;
        }

        internal byte[] BufferOf(int slot)
        {
            return buffers[slot];
        }

        internal int LengthOf(int slot)
        {
            return lengths[slot];
        }

        internal uint SequenceOf(int slot)
        {
            return sequences[slot];
        }

        /// <summary>How often the frame was sent.</summary>
        internal int AttemptsOf(int slot)
        {
            return attempts[slot];
        }

        internal void MarkSent(int slot, int timeoutMs)
        {
            states[slot] = InFlight;
            attempts[slot]++;
            timeoutsMs[slot] = timeoutMs;
            inFlightCount++;
        }

        private int SlotOf(uint sequence)
        {
            return (int)(sequence % (uint)capacity);
        }

        private void Release(int slot)
        {
            if (states[slot] == Free)
            {
                return;
            }

            if (states[slot] == InFlight)
            {
                inFlightCount--;
            }

            states[slot] = Free;
            heldCount--;
        }
    }
}
