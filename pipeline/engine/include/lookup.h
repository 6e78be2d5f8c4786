// Groups and their arrays by the names that lines of a description have for them.

#ifndef CURRENTS_LOOKUP_H
#define CURRENTS_LOOKUP_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "description.h"
#include "simulation.h"

namespace currents {

inline Members& find_members(Simulation& simulation, const Line& line, const std::string& name) {
    for (Members& members : simulation.groups) {
        if (members.name() == name) {
            return members;
        }
    }
    line.refuse("names an unknown group of neurons", "", name);
}

inline std::size_t index_of(const Simulation& simulation, const Members& members) {
    return static_cast<std::size_t>(&members - simulation.groups.data());
}

inline std::size_t index_of(Members& members, const Array& array) {
    return static_cast<std::size_t>(&array - members.group->arrays().data());
}

inline Array& find_array(const Line& line, Members& members, const std::string& variable) {
    Array* array = members.group->find(variable);
    if (!array) {
        line.refuse("names an unknown variable of " + members.name(), "", variable);
    }
    return *array;
}

// Real numbers: one that all neurons share, or one per neuron.
inline double* find_reals(const Line& line, Members& members, const std::string& variable, bool shared) {
    Array& array = find_array(line, members, variable);
    if (array.type() != ItemType::float64) {
        line.refuse("names a variable that is not of real numbers", "", variable);
    }
    if (array.shared() != shared) {
        const char* what = shared ? "names a variable of single neurons" : "names a variable that neurons share";
        line.refuse(what, "", variable);
    }
    return array.values<double>();
}

inline double* find_reals(const Line& line, Members& members, const std::string& variable) {
    return find_reals(line, members, variable, false);
}

// What arrives through a channel: made when it is named for the first time.
inline Arrivals& find_arrivals(const Line& line, Members& members, const std::string& variable) {
    find_reals(line, members, variable);
    for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
        if (arrivals->variable() == variable) {
            return *arrivals;
        }
    }
    members.arrivals.push_back(std::make_unique<Arrivals>(variable, members.group->n_neurons()));
    return *members.arrivals.back();
}

// A range of neurons of a group: BEGIN END.
inline void read_range(Line& line, const Members& members, std::int64_t& begin, std::int64_t& end) {
    begin = line.whole();
    end = line.whole(begin);
    const std::int64_t n = members.group->n_neurons();
    if (end > n) {
        line.refuse("has a range of neurons beyond the group", std::to_string(n), std::to_string(end));
    }
}

// Refuse a value that an array's type cannot hold.
inline void check_value(const Line& line, const Array& array, double value) {
    // Below 2^53 in magnitude, whole numbers are exact.
    const double limit = array.type() == ItemType::int32 ? 2147483648.0 : 9007199254740992.0;
    const bool is_whole = array.type() == ItemType::int32 || array.type() == ItemType::int64;
    if (value - value != 0.0 || (is_whole && !(value > -limit && value < limit))) {
        line.refuse("has a number that " + array.variable() + " cannot be", "", std::to_string(value));
    }
}

}  // namespace currents

#endif  // CURRENTS_LOOKUP_H
