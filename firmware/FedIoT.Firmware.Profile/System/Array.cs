// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System
{
    public abstract class Array
    {
        public extern int Length { get; }

        public static extern void Copy(
            Array sourceArray, int sourceIndex, Array destinationArray, int destinationIndex, int length);

        public static extern void Clear(Array array, int index, int length);
    }
}
