// A group of neurons that share their equations: its arrays by name, and the loops that the generated network.cpp defines.

#ifndef CURRENTS_GROUP_H
#define CURRENTS_GROUP_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "own_memory.h"

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "compile without -ffast-math: NaN has to stay NaN, and every machine has to give the same bits"
#endif

namespace currents {

// The time of the step, under Brian2's names: t is the time at which the step begins, in seconds.
struct Clock {
    std::int64_t timestep = 0;
    double t = 0.0;
    double dt = 0.0;

    void set(std::int64_t step) {
        timestep = step;
        t = static_cast<double>(step) * dt;
    }
};

enum class ItemType { float64, int32, int64, byte };

template <class T>
constexpr ItemType item_type() {
    if constexpr (std::is_same_v<T, double>) {
        return ItemType::float64;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return ItemType::int32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return ItemType::int64;
    } else {
        static_assert(std::is_same_v<T, char>, "a type that no Brian2 variable has");
        return ItemType::byte;
    }
}

inline std::size_t item_bytes(ItemType type) {
    switch (type) {
        case ItemType::int32:
            return 4;
        case ItemType::byte:
            return 1;
        default:
            return 8;
    }
}

struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
};

// One array of a group: state or parameter, of every neuron or shared by all.
class Array {
  public:
    // tell: takes the address of the values, once there is one.
    Array(std::string variable, ItemType type, bool shared, std::function<void(void*)> tell)
        : variable_(std::move(variable)), type_(type), shared_(shared), tell_(std::move(tell)) {}

    const std::string& variable() const { return variable_; }
    ItemType type() const { return type_; }
    bool shared() const { return shared_; }
    std::int64_t size() const { return size_; }
    std::size_t n_bytes() const { return static_cast<std::size_t>(size_) * item_bytes(type_); }

    template <class T>
    T* values() {
        return static_cast<T*>(data_);
    }

    void set(std::int64_t i, double value) {
        switch (type_) {
            case ItemType::float64:
                values<double>()[i] = value;
                break;
            case ItemType::int32:
                values<std::int32_t>()[i] = static_cast<std::int32_t>(value);
                break;
            case ItemType::int64:
                values<std::int64_t>()[i] = static_cast<std::int64_t>(value);
                break;
            case ItemType::byte:
                values<char>()[i] = value != 0.0;
                break;
        }
    }

    // Have the values of another array, which keeps them.
    void share(const Array& other) {
        size_ = other.size_;
        data_ = other.data_;
        tell_(data_);
    }

    // Have the values of neurons [begin, end) of another array in memory of one's own, or the one that all neurons share. Of
    // other neurons there are none then, though size() counts them.
    void copy(const Array& other, std::int64_t begin, std::int64_t end, OwnMemory& memory) {
        size_ = other.size_;
        const std::int64_t first = shared_ ? 0 : begin, last = shared_ ? 1 : end;
        const auto item = static_cast<std::int64_t>(item_bytes(type_));
        data_ = place_before(memory.allocate<char>((last - first) * item), first * item);
        take_over(other, first, last);
        tell_(data_);
    }

    // Take over the values of neurons [begin, end) of another array.
    void take_over(const Array& other, std::int64_t begin, std::int64_t end) {
        const std::size_t item = item_bytes(type_), offset = static_cast<std::size_t>(begin) * item;
        std::memcpy(address(data_, offset), address(other.data_, offset), static_cast<std::size_t>(end - begin) * item);
    }

    void release() {
        memory_.reset();
        data_ = nullptr;
        tell_(nullptr);
    }

    // Let the group's loops find the values of neurons [begin, …) at another place than where they are kept.
    template <class T>
    void lend(T* values, std::int64_t begin) {
        tell_(place_before(values, begin));
    }

    // Make room for the values of n neurons, all 0, and tell the group's loops where it is.
    void allocate(std::int64_t n_neurons) {
        size_ = shared_ ? 1 : n_neurons;
        const std::size_t wanted = (n_bytes() + line_bytes - 1) / line_bytes * line_bytes;
        memory_.reset(std::aligned_alloc(line_bytes, wanted));
        if (!memory_) {
            throw std::bad_alloc();
        }
        data_ = memory_.get();
        std::memset(data_, 0, wanted);
        tell_(data_);
    }

  private:
    static constexpr std::size_t line_bytes = 64;

    static void* address(void* data, std::size_t offset) {
        return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(data) + offset);
    }

    std::string variable_;
    ItemType type_;
    bool shared_;
    std::function<void(void*)> tell_;
    std::int64_t size_ = 0;
    std::unique_ptr<void, FreeMemory> memory_;
    void* data_ = nullptr;
};

class Group {
  public:
    explicit Group(std::string name) : name_(std::move(name)) {}
    virtual ~Group() = default;
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    // The loops, over neurons [begin, end) of the group; in the order in which a step calls them.
    virtual void update_state(std::int64_t begin, std::int64_t end) = 0;
    // crossed[k]: whether neuron begin + k is above its threshold, refractory or not.
    virtual void find_crossings(std::int64_t begin, std::int64_t end, char* __restrict crossed) = 0;
    virtual void enter_arrivals(std::int64_t begin, std::int64_t end) = 0;
    virtual void reset_neurons(const std::int32_t* neurons, std::size_t n_neurons) = 0;
    virtual void finish_step(std::int64_t begin, std::int64_t end) = 0;

    const std::string& name() const { return name_; }
    std::int64_t n_neurons() const { return n_neurons_; }
    std::vector<Array>& arrays() { return arrays_; }

    void allocate(std::int64_t n_neurons) {
        n_neurons_ = n_neurons;
        for (Array& array : arrays_) {
            array.allocate(n_neurons);
        }
    }

    // Have the arrays of a group of the same class, which keeps them.
    void share(const Group& other) {
        n_neurons_ = other.n_neurons_;
        for (std::size_t i = 0; i < arrays_.size(); ++i) {
            arrays_[i].share(other.arrays_[i]);
        }
    }

    // Have copies of the arrays of a group of the same class: the values of neurons [begin, end), and those that all share.
    void copy(const Group& other, std::int64_t begin, std::int64_t end, OwnMemory& memory) {
        n_neurons_ = other.n_neurons_;
        for (std::size_t i = 0; i < arrays_.size(); ++i) {
            arrays_[i].copy(other.arrays_[i], begin, end, memory);
        }
    }

    // Take over neurons [begin, end) of a group of the same class.
    void take_over(const Group& other, std::int64_t begin, std::int64_t end) {
        for (std::size_t i = 0; i < arrays_.size(); ++i) {
            if (!arrays_[i].shared()) {
                arrays_[i].take_over(other.arrays_[i], begin, end);
            }
        }
    }

    // Give the memory back, once there are copies.
    void release() {
        for (Array& array : arrays_) {
            array.release();
        }
    }

    // Bytes that a neuron has in all arrays.
    std::size_t n_bytes_per_neuron() const {
        std::size_t n_bytes = 0;
        for (const Array& array : arrays_) {
            n_bytes += array.shared() ? 0 : item_bytes(array.type());
        }
        return n_bytes;
    }

    // The array of a variable; nullptr when the group has none of that name.
    Array* find(const std::string& variable) {
        for (Array& array : arrays_) {
            if (array.variable() == variable) {
                return &array;
            }
        }
        return nullptr;
    }

  protected:
    template <class T>
    void declare_array(const char* variable, T** place) {
        declare(variable, false, place);
    }

    template <class T>
    void declare_shared(const char* variable, T** place) {
        declare(variable, true, place);
    }

  private:
    template <class T>
    void declare(const char* variable, bool shared, T** place) {
        arrays_.emplace_back(variable, item_type<T>(), shared, [place](void* data) { *place = static_cast<T*>(data); });
    }

    std::string name_;
    std::int64_t n_neurons_ = 0;
    std::vector<Array> arrays_;
};

}  // namespace currents

#endif  // CURRENTS_GROUP_H
