{# The generated program's own part: one class per group of neurons. Everything else is in the headers beside it. #}
// The neurons of the network. Arrays have the names that Brian2 gives them; `network.h` declares nothing but this file's
// one function, and program.cpp does the rest: it reads all numbers, delivers spikes, drives neurons and records.

#include "network.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

{% if support or groups|selectattr("calls_int")|list %}
#include "brianlib/common_math.h"
#include "brianlib/stdint_compat.h"
{% endif %}

namespace {

{% for text in support %}
{{ text }}

{% endfor %}
{% for group in groups %}
class {{ group.name }} : public currents::Group {
  public:
    explicit {{ group.name }}(currents::Clock& clock);

    void update_state(std::int64_t begin, std::int64_t end) override;
    void find_crossings(std::int64_t begin, std::int64_t end, char* __restrict crossed) override;
    void enter_arrivals(std::int64_t begin, std::int64_t end) override;
    void reset_neurons(const std::int32_t* neurons, std::size_t n_neurons) override;
    void finish_step(std::int64_t begin, std::int64_t end) override;

  private:
    {% for array in group.arrays %}
    {{ array.c_type }}* {{ array.c_name }} = nullptr;
    {% endfor %}
    {% for constant in group.constants %}
    static constexpr {{ constant.c_type }} {{ constant.name }} = {{ constant.value }};
    {% endfor %}
};

{{ group.name }}::{{ group.name }}(currents::Clock& clock) : Group("{{ group.name }}") {
    {% if not group.clock_arrays %}
    static_cast<void>(clock);
    {% endif %}
    {% for array in group.clock_arrays %}
    {{ array.c_name }} = &clock.{{ array.variable }};
    {% endfor %}
    {% for array in group.own_arrays %}
    declare_{{ "shared" if array.shared else "array" }}("{{ array.variable }}", &{{ array.c_name }});
    {% endfor %}
}

{% for body in group.functions %}
{{ body }}
{% endfor %}
{% endfor %}
}  // namespace

const char network_key[] = "{{ network_key }}";

std::vector<std::unique_ptr<currents::Group>> make_groups(currents::Clock& clock) {
    std::vector<std::unique_ptr<currents::Group>> groups;
    {% for group in groups %}
    groups.push_back(std::make_unique<{{ group.name }}>(clock));
    {% endfor %}
    return groups;
}
