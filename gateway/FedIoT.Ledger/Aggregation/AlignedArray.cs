using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>Arrays that stay where they are, with a first element at the beginning of a cache line.</summary>
internal static class AlignedArray
{
    /// <summary>Of every processor this runs on; elsewhere a matter of speed only.</summary>
    public const int LineBytes = 64;

    /// <summary>A zeroed array and the index in it from which length elements follow.</summary>
    public static (T[] Values, int Origin) Create<T>(int length)
        where T : unmanaged
    {
        var values = GC.AllocateArray<T>(length + (LineBytes / Unsafe.SizeOf<T>()), pinned: true);
        nint address = Marshal.UnsafeAddrOfPinnedArrayElement(values, 0);
        nint beyond = address & (LineBytes - 1);
        return (values, beyond == 0 ? 0 : (int)(LineBytes - beyond) / Unsafe.SizeOf<T>());
    }
}
